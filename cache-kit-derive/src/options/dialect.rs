//! Which attribute takes which options.

/// What follows an option's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `= <expr>`
    Value,
    /// `= <type>`
    Type,
    /// `(a, b)`
    List,
    /// Nothing.
    Word,
}

/// One option of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Its name, as the user writes it.
    pub(crate) name: &'static str,
    /// What follows the name.
    pub(crate) form: Form,
    /// How it is written, for messages.
    pub(crate) example: &'static str,
}

/// An attribute and the options it takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// How the attribute is called in messages.
    pub(crate) attribute: &'static str,
    pub(crate) choices: &'static [Choice],
}

impl Dialect {
    /// Whether this is what a field may say.
    pub(super) fn is_of_a_field(&self) -> bool {
        *self == FIELD
    }

    pub(super) fn choice(&self, name: &str) -> Option<&'static Choice> {
        self.choices.iter().find(|choice| choice.name == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.choices.iter().map(|choice| choice.name)
    }
}

const fn value(name: &'static str, example: &'static str) -> Choice {
    choice(name, Form::Value, example)
}

const fn choice(name: &'static str, form: Form, example: &'static str) -> Choice {
    Choice {
        name,
        form,
        example,
    }
}

const TTL: Choice = value("ttl", "ttl = \"1h\"");
const NEGATIVE_TTL: Choice = value("negative_ttl", "negative_ttl = \"30s\"");
const JITTER: Choice = value("jitter", "jitter = 0.1");
const STALE_WHILE_REVALIDATE: Choice =
    value("stale_while_revalidate", "stale_while_revalidate = \"5m\"");
const STALE_IF_ERROR: Choice = value("stale_if_error", "stale_if_error = \"1d\"");
const ERROR_THROTTLE: Choice = value("error_throttle", "error_throttle = \"10s\"");
const EARLY_REFRESH: Choice = value("early_refresh", "early_refresh = 1.0");
const TAGS: Choice = value("tags", "tags = [\"…\"]");
const CRATE: Choice = value("crate", "crate = ::cache_kit");
const CACHE: Choice = value("cache", "cache = self.cache");
const SKIP: Choice = choice("skip", Form::List, "skip(…)");
const KEY_OF_CALL: Choice = value("key", "key = …");
const ON_UNREACHABLE: Choice = value("on_unreachable", "on_unreachable = propagate");

/// `#[cache(…)]` on a struct with `#[derive(CacheEntity)]`.
pub(crate) static ENTITY: Dialect = Dialect {
    attribute: "#[cache(…)]",
    choices: &[
        value("prefix", "prefix = \"…\""),
        value("key", "key = …"),
        TTL,
        JITTER,
        NEGATIVE_TTL,
        STALE_WHILE_REVALIDATE,
        STALE_IF_ERROR,
        ERROR_THROTTLE,
        EARLY_REFRESH,
        TAGS,
        value("codec", "codec = MessagePack"),
        value("version", "version = 2"),
        value("feeder", "feeder = …"),
        choice("index", Form::List, "index(…)"),
        CRATE,
    ],
};

/// `#[cache(…)]` on a field of such a struct.
pub(crate) static FIELD: Dialect = Dialect {
    attribute: "#[cache(…)]",
    choices: &[choice("opaque", Form::Word, "#[cache(opaque)]")],
};

/// `#[cache(…)]` on a newtype with `#[derive(KeyPart)]`.
pub(crate) static KEY_PART: Dialect = Dialect {
    attribute: "#[cache(…)]",
    choices: &[CRATE],
};

/// `#[cached(…)]`.
pub(crate) static CACHED: Dialect = Dialect {
    attribute: "#[cached]",
    choices: &[
        value("strategy", "strategy = Refresh"),
        CACHE,
        KEY_OF_CALL,
        SKIP,
        TTL,
        JITTER,
        NEGATIVE_TTL,
        STALE_WHILE_REVALIDATE,
        STALE_IF_ERROR,
        ERROR_THROTTLE,
        EARLY_REFRESH,
        TAGS,
        value("refresh", "refresh = background"),
        value("soft_timeout", "soft_timeout = \"50ms\""),
        value("hard_timeout", "hard_timeout = \"2s\""),
        value("retry", "retry = 3"),
        value("retry_if", "retry_if = |error| …"),
        value("condition", "condition = …"),
        value("unless", "unless = |found| …"),
        value("prefix", "prefix = \"…\""),
        value("index", "index = …"),
        CRATE,
    ],
};

/// `#[cache_put(…)]`.
pub(crate) static CACHE_PUT: Dialect = Dialect {
    attribute: "#[cache_put]",
    choices: &[CACHE, KEY_OF_CALL, SKIP, ON_UNREACHABLE, CRATE],
};

/// `#[cache_evict(…)]`.
pub(crate) static CACHE_EVICT: Dialect = Dialect {
    attribute: "#[cache_evict]",
    choices: &[
        choice("entity", Form::Type, "entity = …"),
        value("prefix", "prefix = \"rates\""),
        TAGS,
        choice("all", Form::Word, "all"),
        CACHE,
        KEY_OF_CALL,
        SKIP,
        ON_UNREACHABLE,
        CRATE,
    ],
};

/// `#[cache_repository(…)]`.
pub(crate) static CACHE_REPOSITORY: Dialect = Dialect {
    attribute: "#[cache_repository]",
    choices: &[
        choice("audit", Form::Word, "audit"),
        choice("finder", Form::List, "finder(…)"),
        CRATE,
    ],
};

/// Every attribute of an item, so that an option of another one is recognised.
pub(super) static DIALECTS: [&Dialect; 5] = [
    &CACHED,
    &CACHE_PUT,
    &CACHE_EVICT,
    &CACHE_REPOSITORY,
    &ENTITY,
];
