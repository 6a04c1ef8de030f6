use super::SLOTS;
use crate::redis::RedisServer;
use std::ops::RangeInclusive;

/// What one node knows of the cluster.
pub(super) struct View(Vec<Node>);

/// What is known of a node.
pub(super) struct Node {
    pub(super) id: String,
    /// Of masters only grows, with each slot or failover that is won.
    pub(super) epoch: u64,
    flags: String,
    master: Option<String>,
    is_linked: bool,
    slots: Vec<RangeInclusive<u16>>,
}

impl View {
    /// Asks a node.
    pub(super) async fn of(node: &RedisServer) -> Self {
        let text: String = node.query(&["CLUSTER", "NODES"]).await;
        let nodes = text.lines().map(Node::from_line);
        Self(nodes.collect::<Option<_>>().expect("eight words a line"))
    }

    /// The node that was asked.
    pub(super) fn itself(&self) -> &Node {
        let mut nodes = self.0.iter();
        let itself = nodes.find(|node| node.has_flag("myself"));
        itself.expect("a node knows itself")
    }

    /// How many nodes are known by name and address.
    pub(super) fn acquaintances(&self) -> usize {
        let are_strange = |node: &&Node| node.has_flag("handshake") || node.has_flag("noaddr");
        self.0.iter().filter(|node| !are_strange(node)).count()
    }

    /// Which ranges of slots belong to whom.
    pub(super) fn owners(&self) -> Vec<(u16, u16, &str)> {
        let mut owners = Vec::new();
        for node in &self.0 {
            let ranges = node.slots.iter();
            owners.extend(ranges.map(|range| (*range.start(), *range.end(), node.id.as_str())));
        }
        owners.sort_unstable();
        owners
    }

    /// The name of the node that has a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&String> {
        let mut nodes = self.0.iter();
        nodes.find(|node| node.has_slot(slot)).map(|node| &node.id)
    }

    /// Whether every slot has a master, and every master a replica, and all are well.
    pub(super) fn is_whole(&self) -> bool {
        let slots: usize = self
            .0
            .iter()
            .flat_map(|node| &node.slots)
            .map(ExactSizeIterator::len)
            .sum();
        let are_well = self.0.iter().all(Node::is_well);
        let have_replicas = self.0.iter().all(|node| {
            let mut all = self.0.iter();
            node.master.is_some() || all.any(|other| other.master.as_ref() == Some(&node.id))
        });
        self.0.len() == 6 && slots == usize::from(SLOTS) && are_well && have_replicas
    }
}

impl Node {
    /// Reads a line: id, address, flags, master, ping, pong, epoch, state of the link, slots. A
    /// slot on the move is in brackets, and still there.
    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (id, _address, flags) = (words.next()?, words.next()?, words.next()?);
        let (master, _ping, _pong) = (words.next()?, words.next()?, words.next()?);
        let (epoch, state) = (words.next()?, words.next()?);
        Some(Self {
            id: id.to_owned(),
            epoch: epoch.parse().ok()?,
            flags: flags.to_owned(),
            master: (master != "-").then(|| master.to_owned()),
            is_linked: state == "connected",
            slots: words.filter_map(range).collect(),
        })
    }

    pub(super) fn has_slot(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }

    fn has_flag(&self, flag: &str) -> bool {
        self.flags.split(',').any(|other| other == flag)
    }

    fn is_well(&self) -> bool {
        let is_failing = ["fail", "fail?", "handshake", "noaddr"].iter();
        self.is_linked && !is_failing.into_iter().any(|flag| self.has_flag(flag))
    }
}

fn range(word: &str) -> Option<RangeInclusive<u16>> {
    let (start, end) = word.split_once('-').unwrap_or((word, word));
    Some(start.parse().ok()?..=end.parse().ok()?)
}
