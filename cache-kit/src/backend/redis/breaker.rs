//! Fails fast while a server is down: a circuit breaker (M. Nygard, *Release It!*) with one probe
//! at a time.

use crate::runtime::random::random_fraction;
use std::time::Duration;
use tokio::time::Instant;

/// So many calls in a row fail before the breaker opens. A connection that cannot be made opens it
/// at once, and so does one on which nothing is heard.
const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// How often it has opened since the server last answered.
    openings: u32,
}

#[derive(Debug)]
enum State {
    /// Calls pass; so many have failed in a row.
    Closed(u32),
    /// None passes until then.
    Open(Instant),
    /// One has passed, and says by its end what comes next.
    HalfOpen,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed(0)
    }
}

/// What is to be done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Pass,
    /// It passes alone, and has to say how it ended.
    Probe,
    /// It fails, for the server is down, and is not asked before so long.
    Refuse(Duration),
}

impl Breaker {
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed(_) => Admission::Pass,
            State::HalfOpen => Admission::Refuse(Duration::ZERO),
            State::Open(until) if now < until => Admission::Refuse(until - now),
            State::Open(_) => {
                self.state = State::HalfOpen;
                Admission::Probe
            }
        }
    }

    /// Says that calls are refused, or only one passes.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed(_))
    }

    /// The server has answered.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// The server has not answered.
    pub(super) fn fail(&mut self, now: Instant) {
        match &mut self.state {
            State::Closed(failures) if *failures + 1 < FAILURES => *failures += 1,
            State::Closed(_) | State::HalfOpen => self.trip(now),
            State::Open(_) => {}
        }
    }

    /// The server cannot be reached. Of those who find that out together one is enough.
    pub(super) fn trip(&mut self, now: Instant) {
        if matches!(self.state, State::Open(until) if now < until) {
            return;
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1 << self.openings.min(16))
            .min(LONGEST_PAUSE);
        self.openings += 1;
        // Half of it at random: those who lost the server together do not come back together.
        self.state = State::Open(now + pause.mul_f64(0.5 + 0.5 * random_fraction()));
    }

    /// The probe was dropped, and has seen nothing.
    pub(super) fn forget_probe(&mut self, now: Instant) {
        if let State::HalfOpen = self.state {
            self.state = State::Open(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_so_many_failures_in_a_row() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            breaker.fail(now);
        }
        breaker.succeed();
        for _ in 1..FAILURES {
            breaker.fail(now);
            assert_eq!(breaker.admit(now), Admission::Pass);
        }
        breaker.fail(now);
        assert!(matches!(breaker.admit(now), Admission::Refuse(_)));
    }

    #[test]
    fn when_it_is_half_open_one_call_passes_and_decides() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.trip(now);
        let later = now + LONGEST_PAUSE;
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!(breaker.admit(later), Admission::Refuse(Duration::ZERO));
        breaker.fail(later);
        assert!(matches!(breaker.admit(later), Admission::Refuse(_)));
        let again = later + LONGEST_PAUSE;
        assert_eq!(breaker.admit(again), Admission::Probe);
        breaker.succeed();
        assert_eq!(breaker.admit(again), Admission::Pass);
    }

    #[test]
    fn a_probe_that_is_dropped_makes_way_for_the_next() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.trip(now);
        let later = now + LONGEST_PAUSE;
        assert_eq!(breaker.admit(later), Admission::Probe);
        breaker.forget_probe(later);
        assert_eq!(breaker.admit(later), Admission::Probe);
    }

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..40 {
            now += LONGEST_PAUSE;
            breaker.trip(now);
            // Who finds out later makes nothing longer.
            breaker.trip(now);
            let Admission::Refuse(pause) = breaker.admit(now) else {
                panic!("it is open");
            };
            pauses.push(pause);
        }
        assert!(pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE);
        assert!(pauses[39] >= LONGEST_PAUSE / 2);
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
        pauses.dedup();
        assert!(pauses.len() > 30);
    }
}
