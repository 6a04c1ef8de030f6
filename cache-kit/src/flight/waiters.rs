//! Who waits for a flight, and who has been woken.

use std::collections::VecDeque;
use std::task::Waker;

/// Those who wait, in a slab: a ticket is an index, and stays taken until its owner leaves, woken
/// or not.
#[derive(Default)]
pub(crate) struct Waiters {
    tickets: Vec<Ticket>,
    vacant: Vec<usize>,
    /// Who waits, in the order of arrival; tickets that no longer do are skipped.
    queue: VecDeque<usize>,
    /// How many have been woken, and have neither polled since nor left.
    woken: usize,
}

enum Ticket {
    Vacant,
    /// Has been woken, and will poll or be dropped.
    Woken,
    Waiting(Waker),
}

impl Waiters {
    pub(crate) fn wait(&mut self, ticket: Option<usize>, waker: &Waker) -> usize {
        let index = ticket.or_else(|| self.vacant.pop()).unwrap_or_else(|| {
            self.tickets.push(Ticket::Vacant);
            self.tickets.len() - 1
        });
        match &mut self.tickets[index] {
            Ticket::Waiting(old) => old.clone_from(waker),
            slot => {
                self.woken -= usize::from(matches!(slot, Ticket::Woken));
                *slot = Ticket::Waiting(waker.clone());
                self.enqueue(index);
            }
        }
        index
    }

    fn enqueue(&mut self, index: usize) {
        if self.queue.len() > 2 * self.tickets.len() + 16 {
            let tickets = &self.tickets;
            self.queue
                .retain(|index| matches!(tickets[*index], Ticket::Waiting(_)));
        }
        self.queue.push_back(index);
    }

    pub(crate) fn leave(&mut self, ticket: usize) {
        let left = std::mem::replace(&mut self.tickets[ticket], Ticket::Vacant);
        self.woken -= usize::from(matches!(left, Ticket::Woken));
        self.vacant.push(ticket);
    }

    /// Wakes as many as make `count` with those who have been woken already and have not come yet.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Waker> {
        let mut woken = Vec::new();
        while self.woken < count
            && let Some(index) = self.queue.pop_front()
        {
            if matches!(self.tickets[index], Ticket::Waiting(_))
                && let Ticket::Waiting(waker) =
                    std::mem::replace(&mut self.tickets[index], Ticket::Woken)
            {
                self.woken += 1;
                woken.push(waker);
            }
        }
        woken
    }

    pub(crate) fn take_all(&mut self) -> Vec<Waker> {
        self.take(usize::MAX)
    }
}
