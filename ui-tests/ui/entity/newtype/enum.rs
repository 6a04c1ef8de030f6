use cache_kit::KeyPart;

#[derive(Clone, Debug, KeyPart)]
enum Id {
    Number(u64),
}

fn main() {}
