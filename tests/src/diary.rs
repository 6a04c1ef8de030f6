use crate::Person;
use cache_kit::Error;
use cache_kit::prelude::*;

/// What a feeder is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `entity_id`
    Id,
    /// `on_hit`
    Hit,
    /// `on_miss`
    Miss,
    /// `on_loaded`
    Loaded,
    /// `feed` with an entity
    Fed,
    /// `feed` with `None`
    FedNothing,
}

/// How a hook ends that goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// With an error.
    Fails(Error),
    /// With a panic.
    Panics,
}

/// A feeder that writes down what it is called for, and goes wrong where a test wants it to.
#[derive(Clone, Debug)]
pub struct Diary {
    /// The key it wants.
    pub id: u64,
    /// What was fed last.
    pub entity: Option<Person>,
    /// All calls in order.
    pub calls: Vec<Hook>,
    /// Where it goes wrong.
    pub fault: Option<(Hook, Fault)>,
}

impl Diary {
    /// Makes a feeder that wants this key.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self {
            id,
            entity: None,
            calls: Vec::new(),
            fault: None,
        }
    }

    /// Makes it go wrong.
    #[must_use]
    pub fn with_fault(mut self, hook: Hook, fault: Fault) -> Self {
        self.fault = Some((hook, fault));
        self
    }

    /// Takes the calls since the last time.
    pub fn take(&mut self) -> Vec<Hook> {
        std::mem::take(&mut self.calls)
    }

    fn call(&mut self, hook: Hook) -> cache_kit::Result<()> {
        self.calls.push(hook);
        match &self.fault {
            Some((at, Fault::Fails(error))) if *at == hook => Err(error.clone()),
            Some((at, Fault::Panics)) if *at == hook => panic!("{hook:?} panics"),
            _ => Ok(()),
        }
    }
}

impl CacheFeed<Person> for Diary {
    fn entity_id(&mut self) -> u64 {
        self.call(Hook::Id).expect("an id is always there");
        self.id
    }

    fn feed(&mut self, entity: Option<Person>) {
        let hook = match entity {
            Some(_) => Hook::Fed,
            None => Hook::FedNothing,
        };
        self.call(hook).expect("feeding cannot fail");
        self.entity = entity;
    }

    fn on_hit(&mut self, key: &u64) -> cache_kit::Result<()> {
        assert_eq!(*key, self.id);
        self.call(Hook::Hit)
    }

    fn on_miss(&mut self, key: &u64) -> cache_kit::Result<()> {
        assert_eq!(*key, self.id);
        self.call(Hook::Miss)
    }

    fn on_loaded(&mut self, entity: &Person) -> cache_kit::Result<()> {
        assert_eq!(entity.id, self.id);
        self.call(Hook::Loaded)
    }
}
