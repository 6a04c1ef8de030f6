//! The protocol as the server runs it. Each script is one step of it; `tests/tests/models` and
//! `DESIGN` know them by these names.
//!
//! `MGET` reads throughout, for it takes what is no string for nothing, where `GET` would fail.

use super::permit::new_guard;
use crate::error::Result;
use redis::{Arg, Cmd};
use std::sync::LazyLock;

/// A step of the protocol.
pub(super) struct Script {
    source: &'static str,
    /// What a server that knows the script knows it by.
    hash: LazyLock<String>,
}

macro_rules! script {
    ($($part:expr),* $(,)?) => {{
        const SOURCE: &str = concat!($($part),*);
        Script {
            source: SOURCE,
            hash: LazyLock::new(|| redis::Script::new(SOURCE).get_hash().to_owned()),
        }
    }};
}

/// Defines `bound(key, limit)`: what is larger than anything of ours is dropped unread.
macro_rules! bound {
    () => {
        "local function bound(key, limit)
  local len = redis.pcall('STRLEN', key)
  if type(len) == 'number' and len > tonumber(limit) then redis.call('UNLINK', key) end
end
"
    };
}

/// Finds the guard under `KEYS[1]`, or makes it `ARGV[1]`; what is no guard is replaced. It lasts
/// for `ARGV[2]` ms, and is extended when half of that is left, or for ever if that is nothing.
macro_rules! guard {
    ($found:literal) => {
        concat!(
            "local g = ",
            $found,
            "
if not g or #g > 19 or not string.find(g, '^[1-9]%d*$') then
  g = ARGV[1]
  if ARGV[2] == '' then redis.call('SET', KEYS[1], g) else redis.call('SET', KEYS[1], g, 'PX', ARGV[2]) end
elseif ARGV[2] == '' then
  redis.call('PERSIST', KEYS[1])
else
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left * 2 < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
end
"
        )
    };
}

/// Defines `store(value, entry, ttl)`: it is stored for `ttl` ms, if that is anything, and the
/// server's time put into its header.
macro_rules! store {
    () => {
        "local function six(n)
  local s = ''
  for _ = 1, 6 do s = s .. string.char(n % 256); n = math.floor(n / 256) end
  return s
end
local function store(value, entry, ttl)
  if ttl == '' then redis.call('SET', value, entry) else redis.call('SET', value, entry, 'PX', ttl) end
  local t = redis.call('TIME')
  local ms = t[1] * 1000 + math.floor(t[2] / 1000)
  redis.call('SETRANGE', value, 56, six(ms) .. six(281474976710655 - ms))
end
"
    };
}

/// `KEYS`: guards to read, then a name; `ARGV`: the largest size of what is there. Reads like
/// `MGET`, but for what is too large.
pub(super) static READ: Script = script!(
    bound!(),
    "for i = 1, #KEYS - 1 do bound(KEYS[i], 19) end
bound(KEYS[#KEYS], ARGV[1])
return redis.call('MGET', unpack(KEYS))"
);

/// `KEYS`: guard, lease, value; `ARGV`: a new guard, for how long, owner of the lease, for how
/// long, the largest size of a value. Returns the guard, whether the lease is the owner's now (2 if
/// it was before), and the value. A lease of another guard is void, and so is one that never ends.
pub(super) static OPEN: Script = script!(
    bound!(),
    "bound(KEYS[1], 19)
bound(KEYS[3], ARGV[5])
local f = redis.call('MGET', KEYS[1], KEYS[2], KEYS[3])
",
    guard!("f[1]"),
    "local l, mine, won = f[2], g .. ':' .. ARGV[3], 0
if not l or l == mine or string.sub(l, 1, #g + 1) ~= g .. ':' or redis.call('PTTL', KEYS[2]) < 0 then
  redis.call('SET', KEYS[2], mine, 'PX', ARGV[4])
  won = l == mine and 2 or 1
end
return {g, won, f[3]}"
);

/// `KEYS`: guard; `ARGV`: a new guard, for how long. Returns the guard.
pub(super) static GUARD: Script = script!(
    bound!(),
    "bound(KEYS[1], 19)
",
    guard!("redis.call('MGET', KEYS[1])[1]"),
    "return g"
);

/// `KEYS`: guard, lease, value; `ARGV`: the permit's guard, its lease, the entry (nothing drops the
/// value), for how long, and how long a guard lasts then. Stores if the guard is still the
/// permit's; gives the lease back in any case. The guard is looked at last: the clock goes on
/// meanwhile, and the entry must not end later.
pub(super) static FILL: Script = script!(
    store!(),
    "local f, stored = redis.call('MGET', KEYS[1], KEYS[2]), 0
if f[1] == ARGV[1] then
  if ARGV[3] == '' then
    redis.call('UNLINK', KEYS[3])
  else
    store(KEYS[3], ARGV[3], ARGV[4])
    if ARGV[4] == '' then
      redis.call('PERSIST', KEYS[1])
    else
      local left = redis.call('PTTL', KEYS[1])
      if left >= 0 and left < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
    end
  end
  stored = 1
end
if f[2] == ARGV[2] then redis.call('DEL', KEYS[2]) end
return stored"
);

/// `KEYS`: guard, value; `ARGV`: the permit's guard, the new one, the entry, for how long, and how
/// long its guard lasts. Stores under the new guard if the old one is still the permit's; else the
/// order of the two writes is unknown, and the key is invalidated.
pub(super) static PUT: Script = script!(
        store!(),
        "if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 0
end
if ARGV[5] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[5]) end
store(KEYS[2], ARGV[3], ARGV[4])
return 1"
);

/// `KEYS`: lease; `ARGV`: what it holds if it is ours. Gives it back.
pub(super) static RELEASE: Script = script!(
    "if redis.call('MGET', KEYS[1])[1] == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1",
);

/// `KEYS`: a name that nobody uses. Does whatever the others do, to nothing: what is there is
/// dropped, and nothing is stored. `UNLINK` comes first, for after a write a script is not told
/// that memory is short.
pub(super) static PROBE: Script = script!(
    "local k = KEYS[1]
redis.call('UNLINK', k)
redis.call('SET', k, '', 'XX')
redis.call('SETRANGE', k, 0, '')
redis.call('PERSIST', k)
redis.call('PEXPIRE', k, 1)
redis.call('PTTL', k)
redis.call('STRLEN', k)
redis.call('GET', k)
redis.call('MGET', k)
redis.call('TIME')
redis.call('DEL', k)
return 1"
);

static ALL: [&Script; 7] = [&READ, &OPEN, &GUARD, &FILL, &PUT, &RELEASE, &PROBE];

impl Script {
    /// Begins a call of a script that the server knows.
    pub(super) fn call(&self, keys: &[&str]) -> Cmd {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(self.hash.as_str()).arg(keys.len());
        for key in keys {
            cmd.arg(key);
        }
        cmd
    }

    /// Makes a call by the source, and one by the hash.
    pub(super) fn both(&self, keys: &[&str]) -> impl Iterator<Item = Cmd> + use<> {
        let call = self.call(keys);
        with_source(&call).into_iter().chain([call])
    }
}

/// Says how a call is sent once more after its answer was lost. It may have been executed, or still
/// be: a guard that it made must not be made again, for it may have been deleted since.
pub(super) fn repeated(called: &Cmd) -> Result<Cmd> {
    let arguments: Vec<_> = plain(called).collect();
    let makes_guard = |hash: &[u8]| {
        [&OPEN, &GUARD]
            .iter()
            .any(|script| script.hash.as_bytes() == hash)
    };
    let [name, hash, count, ..] = arguments.as_slice() else {
        return Ok(called.clone());
    };
    let keys = std::str::from_utf8(count)
        .ok()
        .and_then(|count| count.parse::<usize>().ok());
    let (true, Some(keys)) = (*name == b"EVALSHA" && makes_guard(hash), keys) else {
        return Ok(called.clone());
    };
    let mut cmd = Cmd::new();
    for (index, argument) in arguments.iter().enumerate() {
        if index == keys + 3 {
            cmd.arg(new_guard()?);
        } else {
            cmd.arg(argument);
        }
    }
    Ok(cmd)
}

fn plain(cmd: &Cmd) -> impl Iterator<Item = &[u8]> {
    cmd.args_iter().filter_map(|argument| match argument {
        Arg::Simple(bytes) => Some(bytes),
        _ => None,
    })
}

/// Says how the script of a call is sent along, for a server that does not know it.
pub(super) fn with_source(called: &Cmd) -> Option<Cmd> {
    let mut arguments = plain(called);
    let hash = arguments.nth(1)?;
    let script = ALL.iter().find(|script| script.hash.as_bytes() == hash)?;
    let mut cmd = redis::cmd("EVAL");
    cmd.arg(script.source);
    for argument in arguments {
        cmd.arg(argument);
    }
    Some(cmd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(cmd: &Cmd) -> Vec<String> {
        let words = plain(cmd);
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn a_guard_that_may_have_been_made_is_not_made_again() {
        for (script, keys) in [(&OPEN, vec!["g", "l", "v"]), (&GUARD, vec!["g"])] {
            let mut cmd = script.call(&keys);
            cmd.arg(7).arg("rest");
            let (first, again) = (words(&cmd), words(&repeated(&cmd).unwrap()));
            let guard = keys.len() + 3;
            assert_ne!(again[guard], "7");
            assert!(again[guard].parse::<u64>().is_ok());
            assert_eq!(
                (&first[..guard], &first[guard + 1..]),
                (&again[..guard], &again[guard + 1..])
            );
        }
    }

    #[test]
    fn what_makes_no_guard_is_sent_again_as_it_is() {
        let mut put = PUT.call(&["g", "v"]);
        put.arg(7).arg(8);
        let mut mget = redis::cmd("MGET");
        mget.arg("a").arg("b");
        for cmd in [put, mget, redis::cmd("PING")] {
            assert_eq!(words(&repeated(&cmd).unwrap()), words(&cmd));
        }
    }

    #[test]
    fn a_script_is_sent_along_with_its_arguments() {
        let mut cmd = FILL.call(&["g", "l", "v"]);
        cmd.arg("stamp");
        let whole = words(&with_source(&cmd).unwrap());
        assert_eq!(
            (whole[0].as_str(), whole[1].as_str()),
            ("EVAL", FILL.source)
        );
        assert_eq!(whole[2..], ["3", "g", "l", "v", "stamp"]);
        assert!(with_source(&redis::cmd("PING")).is_none());
    }
}
