//! The patterns of the guide "Examples & Patterns": each in the guide's own words, and the same
//! thing with the macros and with what cache-kit brings along.
//!
//! Every pattern has a module `by_hand` and a module `with_macros`. What both need, such as the
//! database, is in neither, and counted for neither. `examples/patterns/README.md` lists the words
//! of the guide that had to change.
//!
//! | module | the guide's heading |
//! | --- | --- |
//! | [`composite_keys`] | Composite Keys |
//! | [`builder_pattern`] | Builder Pattern |
//! | [`registry_pattern`] | Registry Pattern |
//! | [`ttl_strategies`] | TTL Strategies |
//! | [`error_handling`] | Error Handling |
//! | [`batch_operations`] | Batch Operations |
//! | [`custom_serialization`] | Custom Serialization |
//! | [`async_patterns`] | Async Patterns |
//!
//! The guide's seventh, Multi-Tier Caching, comes with the tiers.

pub mod async_patterns;
pub mod batch_operations;
pub mod builder_pattern;
pub mod composite_keys;
pub mod counting;
pub mod custom_serialization;
pub mod error_handling;
pub mod registry_pattern;
pub mod sources;
pub mod staff;
pub mod ttl_strategies;

use std::io::Write;

use self::sources::Sources;

/// What each pattern is made of, in the order of the guide.
pub const ALL: [&Sources; 8] = [
    &composite_keys::SOURCES,
    &builder_pattern::SOURCES,
    &registry_pattern::SOURCES,
    &ttl_strategies::SOURCES,
    &error_handling::SOURCES,
    &batch_operations::SOURCES,
    &custom_serialization::SOURCES,
    &async_patterns::SOURCES,
];

/// Runs every pattern, and prints its heading, what happened, and what there was to write.
///
/// # Errors
///
/// When something a pattern claims is not so, or the page cannot be written.
pub async fn run(out: &mut impl Write) -> anyhow::Result<()> {
    show(out, &composite_keys::SOURCES, composite_keys::run()).await?;
    show(out, &builder_pattern::SOURCES, builder_pattern::run()).await?;
    show(out, &registry_pattern::SOURCES, registry_pattern::run()).await?;
    show(out, &ttl_strategies::SOURCES, ttl_strategies::run()).await?;
    show(out, &error_handling::SOURCES, error_handling::run()).await?;
    show(out, &batch_operations::SOURCES, batch_operations::run()).await?;
    show(
        out,
        &custom_serialization::SOURCES,
        custom_serialization::run(),
    )
    .await?;
    show(out, &async_patterns::SOURCES, async_patterns::run()).await?;

    let by_hand: usize = ALL.iter().map(|sources| sources.by_hand()).sum();
    let with_macros: usize = ALL.iter().map(|sources| sources.with_macros()).sum();
    heading(out, "All of them")?;
    writeln!(
        out,
        "  = {by_hand} lines by hand, {with_macros} with macros"
    )?;
    Ok(())
}

/// What a pattern reports: a line for each thing that happened.
type Facts = anyhow::Result<Vec<String>>;

/// Prints a pattern. Under its heading comes what the guide's own code prints, then what happened.
async fn show(
    out: &mut impl Write,
    sources: &Sources,
    run: impl Future<Output = Facts>,
) -> anyhow::Result<()> {
    heading(out, sources.heading)?;
    for fact in run.await? {
        writeln!(out, "  - {fact}")?;
    }
    writeln!(out, "  = {}", sources.comparison())?;
    Ok(())
}

/// Writes a heading and a line under it.
fn heading(out: &mut impl Write, title: &str) -> std::io::Result<()> {
    writeln!(out, "\n{title}\n{}", "-".repeat(title.len()))
}
