//! What there is: a row of a repository, an entry and its guards in Redis, who reads and who
//! writes, and what their processes remember.

use crate::rules::Rules;

/// A random number that is never used again; 0 is none. A state is the same by whatever names its
/// tokens go.
pub(crate) type Token = u8;

pub(crate) const READERS: usize = 3;
pub(crate) const WRITERS: usize = 2;

pub(crate) const PREFIX: usize = 0;
pub(crate) const NAMESPACE: usize = 1;
pub(crate) const TAG: usize = 2;
pub(crate) const SCOPES: [usize; 3] = [PREFIX, NAMESPACE, TAG];

/// What is stored under the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) is_there: bool,
    pub(crate) version: u8,
    pub(crate) stamp: Token,
    pub(crate) scopes: [Token; 3],
    pub(crate) is_stale: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Redis {
    pub(crate) guard: Token,
    pub(crate) scopes: [Token; 3],
    /// Of the namespace's tags.
    pub(crate) epoch: Token,
    pub(crate) entry: Entry,
    /// Who has the lease, and under which guard.
    pub(crate) lease: Token,
    pub(crate) lease_of: Token,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum At {
    #[default]
    Idle,
    /// It has asked about the scopes that it does not know; the answers are on their way.
    Asked,
    Read,
    /// It has found something whose tag it does not know.
    Settle,
    Open,
    Scopes,
    Epoch,
    Load,
    TagAfter,
    EpochAfter,
    Fill,
    /// Somebody else loads.
    Wait,
    /// It waits for reader 0.
    Joined,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reader {
    pub(crate) at: At,
    /// What it returns must not be older.
    pub(crate) floor: u8,
    /// It has returned what is stale, and refreshes it.
    pub(crate) has_returned: bool,
    /// A stale version that it may return, by number and one.
    pub(crate) spare: u8,
    pub(crate) version: u8,
    pub(crate) stamp: Token,
    pub(crate) scopes: [Token; 3],
    pub(crate) epoch: Token,
    pub(crate) lease: Token,
    /// What it found, until it knows the tag.
    pub(crate) found: Entry,
    /// What it has been told of scopes, and whether that is too old to be learnt.
    pub(crate) told: [Token; 3],
    pub(crate) is_outdated: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    pub(crate) at: u8,
    pub(crate) is_done: bool,
    pub(crate) version: u8,
    pub(crate) guard: Token,
    pub(crate) scopes: [Token; 3],
    pub(crate) epoch: Token,
}

/// What a process remembers of scopes. Readers 0 and 2 and writer 0 are of the first process, the
/// others of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) believed: [Token; 3],
    /// What is returned here must not be older.
    pub(crate) floor: u8,
    /// The same, when the lag has passed.
    pub(crate) floor_later: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The version that the repository has.
    pub(crate) committed: u8,
    pub(crate) redis: Redis,
    pub(crate) readers: [Reader; READERS],
    pub(crate) writers: [Writer; WRITERS],
    pub(crate) processes: [Process; 2],
}

pub(crate) const fn process_of_reader(reader: usize) -> usize {
    reader % 2
}

pub(crate) const fn process_of_writer(writer: usize) -> usize {
    writer
}

impl World {
    pub(crate) fn start(rules: &Rules) -> Self {
        let mut world = Self::default();
        for writer in world.writers.iter_mut().skip(rules.acts.len()) {
            writer.is_done = true;
        }
        world
    }

    /// Says whether somebody waits for a lease that nobody has any more.
    pub(crate) fn is_stuck(&self) -> bool {
        let redis = &self.redis;
        let is_held = redis.lease != 0 && redis.lease_of == redis.guard;
        let has_owner = self
            .readers
            .iter()
            .any(|reader| reader.lease == redis.lease);
        let is_loaded = redis.entry.is_there && redis.entry.stamp == redis.guard;
        let has_waiter = self.readers.iter().any(|reader| reader.at == At::Wait);
        has_waiter && is_held && !has_owner && !is_loaded
    }

    fn each_token(&mut self, mut visit: impl FnMut(&mut Token)) {
        let redis = &mut self.redis;
        visit(&mut redis.guard);
        redis.scopes.iter_mut().for_each(&mut visit);
        visit(&mut redis.epoch);
        visit(&mut redis.entry.stamp);
        redis.entry.scopes.iter_mut().for_each(&mut visit);
        visit(&mut redis.lease);
        visit(&mut redis.lease_of);
        for reader in &mut self.readers {
            visit(&mut reader.stamp);
            reader.scopes.iter_mut().for_each(&mut visit);
            visit(&mut reader.epoch);
            visit(&mut reader.lease);
            visit(&mut reader.found.stamp);
            reader.found.scopes.iter_mut().for_each(&mut visit);
            reader.told.iter_mut().for_each(&mut visit);
        }
        for writer in &mut self.writers {
            visit(&mut writer.guard);
            writer.scopes.iter_mut().for_each(&mut visit);
            visit(&mut writer.epoch);
        }
        for process in &mut self.processes {
            process.believed.iter_mut().for_each(&mut visit);
        }
    }

    /// Names the tokens by the order in which they are met.
    pub(crate) fn canonical(mut self) -> Self {
        let mut names = [0_u8; 64];
        let mut count = 0;
        self.each_token(|token| {
            if *token != 0 {
                let name = &mut names[usize::from(*token)];
                if *name == 0 {
                    count += 1;
                    *name = count;
                }
                *token = *name;
            }
        });
        self
    }

    /// Makes a token that is nowhere.
    pub(crate) fn fresh(&mut self) -> Token {
        let mut used = 0_u64;
        self.each_token(|token| used |= 1 << *token);
        let unused = (1..63).find(|token| used & (1 << token) == 0);
        unused.expect("there are few")
    }

    /// A guard that is made if there is none.
    pub(crate) fn opened_guard(&mut self) -> Token {
        if self.redis.guard == 0 {
            self.redis.guard = self.fresh();
        }
        self.redis.guard
    }

    pub(crate) fn opened_scope(&mut self, scope: usize) -> Token {
        if self.redis.scopes[scope] == 0 {
            self.redis.scopes[scope] = self.fresh();
        }
        self.redis.scopes[scope]
    }

    pub(crate) fn opened_epoch(&mut self) -> Token {
        if self.redis.epoch == 0 {
            self.redis.epoch = self.fresh();
        }
        self.redis.epoch
    }
}
