//! How an entity becomes bytes.

use syn::{Expr, Ident, Path};

use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::options::{Setting, peel_expr, text_of};
use crate::{messages, suggest};

/// What the crate calls its codecs.
const CODECS: [&str; 4] = ["Bincode", "Json", "MessagePack", "Postcard"];

/// Those that store fields by their order alone.
const NAMELESS: [&str; 2] = ["Bincode", "Postcard"];

/// The codec of `codec = …`.
#[derive(Debug)]
pub(super) enum Codec {
    /// One of the crate's, which need not be imported.
    Own(Ident),
    /// Any that is in scope.
    Other(Path),
}

impl Codec {
    /// Reads the value, which is a path.
    pub(super) fn from_setting(
        setting: &Setting<Expr>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Expr::Path(written) = peel_expr(&setting.value) else {
            let text = text_of(&setting.value);
            let meant = text.filter(|text| syn::parse_str::<Path>(text).is_ok());
            let meant = meant.as_deref().unwrap_or("MessagePack");
            diagnostics.report(&setting.value, messages::codec(meant));
            return None;
        };
        let Some(ident) = written.path.get_ident() else {
            return Some(Self::Other(written.path.clone()));
        };
        if CODECS.iter().any(|own| ident == own) {
            return Some(Self::Own(ident.clone()));
        }
        if let Some(near) = suggest::nearest(&ident.to_string(), CODECS) {
            diagnostics.report(ident, messages::codec_near(ident, near));
            return None;
        }
        Some(Self::Other(written.path.clone()))
    }

    /// The codec's name if it is one that stores no names of fields. Of a codec of the user's own
    /// nothing is known.
    pub(super) fn nameless(&self, krate: &CratePath) -> Option<&'static str> {
        let ident = match self {
            Self::Own(ident) => ident,
            Self::Other(path) => krate.item(path)?,
        };
        NAMELESS.into_iter().find(|name| ident == name)
    }
}
