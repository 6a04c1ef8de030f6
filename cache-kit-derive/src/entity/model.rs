//! An entity as meant: what is wrong cannot be built.

use darling::ast::Fields;
use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::{Attribute, Expr, Generics, Ident, Lit, LitStr, Type, Visibility};

use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::key::{self, Member};
use crate::lifetimes::Lifetimes;
use crate::options::{Setting, peel_expr, text_of};
use crate::prefix::prefix;
use crate::tags::{Names, Template};
use crate::{messages, suggest};

use super::codec::Codec;
use super::field::Field;
use super::index::Index;
use super::input::Input;
use super::{layout::Layout, nameless};

/// More fields than this name a row no longer.
const MOST_KEY_FIELDS: usize = 16;

/// A cached struct.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) generics: Generics,
    pub(super) prefix: LitStr,
    pub(super) key: Key,
    pub(super) lifetimes: Lifetimes,
    pub(super) tags: Vec<Template>,
    pub(super) codec: Option<Codec>,
    /// What the fingerprint is taken of, where it is not the entity itself.
    pub(super) layout: Option<Layout>,
    pub(super) version: Option<u32>,
    pub(super) feeder: Ident,
    pub(super) indexes: Vec<Index>,
    pub(super) krate: CratePath,
}

/// What names one entity.
#[derive(Debug)]
pub(super) enum Key {
    /// One field: its type is the key.
    Single(Box<KeyField>),
    /// Two or more: a key type of its own.
    Composite { ident: Ident, fields: Vec<KeyField> },
}

impl Key {
    /// The fields of the key, in order.
    pub(super) fn fields(&self) -> &[KeyField] {
        match self {
            Self::Single(field) => std::slice::from_ref(field),
            Self::Composite { fields, .. } => fields,
        }
    }

    /// How the user wrote it: `id`, or `(person_id, year)`.
    pub(super) fn text(&self) -> String {
        let names: Vec<String> = self.fields().iter().map(|f| f.member.name()).collect();
        match self {
            Self::Single(_) => names.concat(),
            Self::Composite { .. } => format!("({})", names.join(", ")),
        }
    }
}

/// A field that is part of the key.
#[derive(Debug)]
pub(super) struct KeyField {
    pub(super) member: Member,
    /// The field's own name; `None` in a tuple struct.
    pub(super) ident: Option<Ident>,
    pub(super) ty: Type,
    pub(super) docs: Vec<Attribute>,
}

impl Model {
    /// Checks every option, and reports all that is wrong at once.
    pub(super) fn from_input(
        input: Input,
        krate: CratePath,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        reject_lifetimes(&input.generics, diagnostics);
        let (prefix, key) = required(&input, diagnostics);
        input.lifetimes.require_ttl(diagnostics);
        let lifetimes = Lifetimes::from_input(&input.lifetimes, diagnostics);
        let tags = tags(&input, diagnostics);
        let version = input
            .version
            .as_ref()
            .and_then(|setting| version(setting, diagnostics));
        let codec = input
            .codec
            .as_ref()
            .and_then(|setting| Codec::from_setting(setting, diagnostics));
        nameless::reject_options(&input, codec.as_ref(), &krate, diagnostics);
        let layout = Layout::from_input(&input, diagnostics);
        let feeder = input
            .feeder
            .as_ref()
            .and_then(|setting| feeder(setting, diagnostics))
            .unwrap_or_else(|| format_ident!("{}Feeder", input.ident));
        let indexes = Index::all_from_input(&input, key.as_ref(), diagnostics);
        Some(Self {
            prefix: prefix?,
            key: key?,
            ident: input.ident,
            vis: input.vis,
            generics: input.generics,
            lifetimes,
            tags,
            codec,
            layout,
            version,
            feeder,
            indexes,
            krate,
        })
    }
}

/// The two options that every entity needs; silent where a near miss was already reported.
fn required(input: &Input, diagnostics: &mut Diagnostics) -> (Option<LitStr>, Option<Key>) {
    let blame = input.attribute.as_ref().unwrap_or(&input.ident);
    if input.fields.is_empty() {
        diagnostics.report(&input.ident, messages::no_fields(&input.ident));
        return (None, None);
    }
    let example = example_key(&input.fields);
    if input.attribute.is_none() {
        diagnostics.report(blame, messages::missing_attribute(&input.ident, &example));
        return (None, None);
    }
    if input.prefix.is_none() && !input.is_prefix_attempted {
        diagnostics.report(blame, messages::missing_prefix(&input.ident));
    }
    if input.key.is_none() && !input.is_key_attempted {
        diagnostics.report(blame, messages::missing_key(&example));
    }
    let prefix = input
        .prefix
        .as_ref()
        .and_then(|setting| prefix(setting, &input.ident, diagnostics));
    let key = input
        .key
        .as_ref()
        .and_then(|setting| key_of(setting, input, diagnostics));
    (prefix, key)
}

fn reject_lifetimes(generics: &Generics, diagnostics: &mut Diagnostics) {
    for parameter in generics.lifetimes() {
        let lifetime = &parameter.lifetime;
        diagnostics.report(lifetime, messages::borrowed_entity(lifetime));
    }
}

fn tags(input: &Input, diagnostics: &mut Diagnostics) -> Vec<Template> {
    let names = Names {
        all: field_names(input),
        missing: &format!("`{}` has no field", input.ident),
        called: "field",
    };
    Template::all_from_setting(input.tags.as_ref(), &names, diagnostics)
}

fn version(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let version = match peel_expr(&setting.value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    };
    if version.is_none() {
        diagnostics.report(&setting.value, messages::VERSION);
    }
    version
}

fn feeder(setting: &Setting<Expr>, diagnostics: &mut Diagnostics) -> Option<Ident> {
    let ident = match peel_expr(&setting.value) {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    };
    if ident.is_none() {
        let meant = text_of(&setting.value).filter(|text| syn::parse_str::<Ident>(text).is_ok());
        let meant = meant.as_deref().unwrap_or("UserFeeder");
        diagnostics.report(&setting.value, messages::feeder(meant));
    }
    ident
}

fn key_of(setting: &Setting<Expr>, input: &Input, diagnostics: &mut Diagnostics) -> Option<Key> {
    let members = key::members(setting, &example_key(&input.fields), diagnostics)?;
    if members.len() > MOST_KEY_FIELDS {
        diagnostics.report(&setting.value, messages::too_many_key_fields(members.len()));
        return None;
    }
    let count = members.len();
    let mut fields: Vec<KeyField> = members
        .into_iter()
        .filter_map(|member| key_field(member, input, diagnostics))
        .collect();
    if fields.len() < count {
        return None;
    }
    if count == 1 {
        return fields.pop().map(Box::new).map(Key::Single);
    }
    Some(Key::Composite {
        ident: format_ident!("{}Key", input.ident),
        fields,
    })
}

fn key_field(member: Member, input: &Input, diagnostics: &mut Diagnostics) -> Option<KeyField> {
    let Some(field) = find_field(&member, input) else {
        diagnostics.report_at(member.span(), no_field(&member, input));
        return None;
    };
    if let Some(refusal) = messages::no_key_part(&field.ty) {
        diagnostics.report(&field.ty, refusal);
        return None;
    }
    Some(KeyField {
        member,
        ident: field.ident.clone(),
        ty: field.ty.clone(),
        docs: field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .cloned()
            .collect(),
    })
}

pub(super) fn find_field<'a>(member: &Member, input: &'a Input) -> Option<&'a Field> {
    match member {
        Member::Named(name) => input.fields.iter().find(|field| {
            field
                .ident
                .as_ref()
                .is_some_and(|i| i.unraw() == name.unraw())
        }),
        Member::Index(index) => input
            .fields
            .iter()
            .filter(|field| field.ident.is_none())
            .nth(index.index as usize),
    }
}

pub(super) fn no_field(member: &Member, input: &Input) -> String {
    let is_tuple = input.fields.iter().all(|field| field.ident.is_none());
    let names = field_names(input);
    match member {
        Member::Named(_) if is_tuple => messages::tuple_struct(&input.ident),
        Member::Index(_) if !is_tuple => messages::named_struct(&input.ident, &names[0]),
        _ => {
            let text = member.name();
            let near = suggest::nearest(&text, names.iter().map(String::as_str));
            messages::no_such_field(&input.ident, &text, near, &names)
        }
    }
}

/// What fields are called: by their places in a tuple struct.
fn field_names(input: &Input) -> Vec<String> {
    let name = |(index, field): (usize, &Field)| match &field.ident {
        Some(ident) => ident.unraw().to_string(),
        None => index.to_string(),
    };
    input.fields.iter().enumerate().map(name).collect()
}

/// The key to show in a message: the field `id`, else the first one.
pub(super) fn example_key(fields: &Fields<Field>) -> String {
    let names: Vec<String> = fields
        .iter()
        .filter_map(|field| field.ident.as_ref().map(Ident::to_string))
        .collect();
    let id = names.iter().find(|name| *name == "id");
    id.or(names.first())
        .cloned()
        .unwrap_or_else(|| "0".to_owned())
}

/// The span of a field's type, to blame where the type does not fit.
pub(super) fn type_span(ty: &Type) -> Span {
    syn::spanned::Spanned::span(ty)
}
