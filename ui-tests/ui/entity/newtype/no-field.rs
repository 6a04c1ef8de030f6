use cache_kit::KeyPart;

#[derive(Clone, Debug, KeyPart)]
struct Id;

fn main() {}
