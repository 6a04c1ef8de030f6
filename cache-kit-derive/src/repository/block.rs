//! Takes an `impl` block apart. Bodies stay raw tokens, so that a half-typed one still gets
//! completion.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::parse::discouraged::Speculative as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Generics, Item, ItemImpl, Type};

use crate::messages;
use crate::options::CACHE_REPOSITORY;
use crate::signature::Function;

/// An `impl` block as written.
#[derive(Debug)]
pub(super) struct Block {
    /// All before the braces.
    head: TokenStream,
    body: Group,
    pub(super) generics: Generics,
    pub(super) self_ty: Type,
    pub(super) is_of_trait: bool,
    pub(super) members: Vec<Member>,
}

/// One thing within the braces.
#[derive(Debug)]
pub(super) enum Member {
    Function(Box<Function>),
    Other(TokenStream),
}

impl Block {
    /// Parses an annotated item, or says what was annotated instead.
    pub(super) fn from_syn(item: TokenStream) -> syn::Result<Self> {
        let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
        let Some(TokenTree::Group(body)) = head.pop() else {
            return Err(wrong_item(item));
        };
        let head: TokenStream = head.into_iter().collect();
        let Ok(header) = syn::parse2::<ItemImpl>(quote!(#head {})) else {
            return Err(wrong_item(item));
        };
        Ok(Self {
            members: members.parse2(body.stream())?,
            is_of_trait: header.trait_.is_some(),
            generics: header.generics,
            self_ty: *header.self_ty,
            head,
            body,
        })
    }

    /// The block again, with other members.
    pub(super) fn with_members(&self, members: &TokenStream) -> TokenStream {
        let Self { head, body, .. } = self;
        let mut braces = Group::new(body.delimiter(), members.clone());
        braces.set_span(body.span());
        quote!(#head #braces)
    }

    /// The block as it was, but for what only `#[cache_repository]` understands.
    pub(super) fn without_marks(&self) -> TokenStream {
        let members = self.members.iter().map(|member| match member {
            Member::Function(function) => unmarked(function).to_tokens(),
            Member::Other(tokens) => tokens.clone(),
        });
        self.with_members(&members.collect())
    }

    /// The methods and other functions of the block.
    pub(super) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.members.iter().filter_map(|member| match member {
            Member::Function(function) => Some(&**function),
            Member::Other(_) => None,
        })
    }
}

/// The function without `#[cache(exempt)]`.
pub(super) fn unmarked(function: &Function) -> Function {
    let mut unmarked = function.clone();
    unmarked.attrs.retain(|attr| !is_mark(attr));
    unmarked
}

/// Whether an attribute is `#[cache(…)]`, which only `#[cache_repository]` reads on a function.
pub(super) fn is_mark(attr: &Attribute) -> bool {
    attr.path().is_ident("cache")
}

fn members(input: ParseStream<'_>) -> syn::Result<Vec<Member>> {
    let mut members = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        if let Ok(function) = ahead.parse::<Function>() {
            input.advance_to(&ahead);
            members.push(Member::Function(Box::new(function)));
        } else {
            members.push(Member::Other(other(input)?));
        }
    }
    Ok(members)
}

/// Takes what is no function: up to a semicolon, or a block.
fn other(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() {
        let token: TokenTree = input.parse()?;
        let is_last = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
            _ => false,
        };
        tokens.extend([token]);
        if is_last {
            break;
        }
    }
    Ok(tokens)
}

fn wrong_item(item: TokenStream) -> syn::Error {
    let parsed = syn::parse2::<Item>(item.clone());
    let (node, found) = match &parsed {
        Ok(Item::Struct(item)) => (item.struct_token.to_token_stream(), "a struct"),
        Ok(Item::Enum(item)) => (item.enum_token.to_token_stream(), "an enum"),
        Ok(Item::Trait(item)) => (item.trait_token.to_token_stream(), "a trait"),
        Ok(Item::Fn(item)) => (item.sig.fn_token.to_token_stream(), "a function"),
        Ok(Item::Mod(item)) => (item.mod_token.to_token_stream(), "a module"),
        Ok(_) => (item, "another item"),
        Err(error) => return error.clone(),
    };
    let message = messages::not_an_impl(&CACHE_REPOSITORY, found);
    syn::Error::new_spanned(node, message)
}
