use cache_kit::KeyPart;

#[derive(Clone, Debug, KeyPart)]
struct Id {
    shard: u8,
    number: u64,
}

fn main() {}
