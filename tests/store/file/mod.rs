//! What only a store in a file can show.

mod copies;
mod damage;
mod fixture;
mod opening;
mod owners;
mod settings;
mod story;

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod forks;
#[cfg(unix)]
mod refusals;
