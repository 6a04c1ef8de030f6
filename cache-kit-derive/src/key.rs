//! Keys: the fields that an entity names, and the arguments that a call gives.

mod call;
mod fields;
mod value;

pub(crate) use call::{CallKey, Part};
pub(crate) use fields::{Member, members};
pub(crate) use value::ValueKey;

/// 64-bit FNV-1a of a name without `r#`.
///
/// A derive cannot see a function's parameters, nor an attribute a struct's fields: both hash the
/// names, and the type system compares. Source: Fowler, Noll, Vo,
/// <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(crate) fn hash_name(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::hash_name;

    #[test]
    fn hash_is_fnv_1a() {
        // Test vectors of the reference implementation.
        assert_eq!(hash_name(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_name("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash_name("foobar"), 0x8594_4171_f739_67e8);
    }
}
