//! Where the file lies, and who has it.
//!
//! SQLite locks the file itself, but its locks belong to the process and fall as soon as the process closes any other
//! descriptor of that file: an application that copies its store while it is open would unlock it. So
//! the owner holds a lock of its own besides, on a file `-lock` that stays. The system lets go of it when the process
//! dies.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A path that this process owns.
pub(in crate::store) struct Place {
    path: PathBuf,
    lock: File,
    process: u32,
}

impl Place {
    /// Takes a path, whatever links lead to it. [`Error::StoreInUse`] if somebody has it, [`Error::StoreIo`].
    pub(in crate::store) fn take(path: &Path) -> Result<Self> {
        let path = canonical(path)?;
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(beside(&path, "-lock"))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock, process: std::process::id() }),
            Err(TryLockError::WouldBlock) => Err(Error::StoreInUse),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a file is there. Its journal alone is [`Error::StoreDamaged`]: a new file would take what is
    /// in it for its own.
    pub(in crate::store) fn is_taken(&self) -> Result<bool> {
        if exists(&self.path)? {
            return Ok(true);
        }
        self.check_journals()
    }

    /// [`Place::is_taken`] by more than an empty file, whose name somebody may have reserved.
    pub(in crate::store) fn is_filled(&self) -> Result<bool> {
        if exists(&self.path)? && self.length()? > 0 {
            return Ok(true);
        }
        self.check_journals()
    }

    fn check_journals(&self) -> Result<bool> {
        if self.has_log() || exists(&beside(&self.path, "-journal"))? {
            return Err(Error::StoreDamaged);
        }
        Ok(false)
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> Result<u64> {
        let metadata = fs::metadata(&self.path).map_err(io)?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(Error::StoreIo) }
    }

    pub(super) fn has_log(&self) -> bool {
        fs::symlink_metadata(beside(&self.path, "-wal")).is_ok()
    }

    /// A new file to become this one, where nothing is that holds anything.
    pub(super) fn draft(&self) -> Result<Draft> {
        Draft::to_be(self.path.clone())
    }

    /// Whether this is the process that took it, and no child forked since.
    pub(super) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_ours() {
            // Children forked meanwhile hold the same lock, which closing alone would leave to them.
            let _ = self.lock.unlock();
        }
    }
}

/// A new file, under another name until it is whole.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Draft {
    /// [`Error::InvalidArgument`] if something is at the target already.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let target = canonical(target)?;
        if exists(&target)? {
            return Err(Error::InvalidArgument);
        }
        Self::to_be(target)
    }

    fn to_be(target: PathBuf) -> Result<Self> {
        let draft = Self { path: beside(&target, "-new"), target, published: false };
        draft.remove();
        private(OpenOptions::new().write(true).create_new(true)).open(&draft.path).map_err(io)?;
        Ok(draft)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, durably.
    pub(super) fn publish(mut self) -> Result<()> {
        OpenOptions::new().write(true).open(&self.path).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&self.path, &self.target).map_err(io)?;
        self.published = true;
        sync_directory(&self.target)
    }

    /// The file, and what a crash may have left with it.
    fn remove(&self) {
        for suffix in ["", "-journal", "-wal"] {
            let _ = fs::remove_file(beside(&self.path, suffix));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            self.remove();
        }
    }
}

/// The path without links, of a file that is there or of one that could be.
fn canonical(path: &Path) -> Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found.map_err(io),
    }
    if exists(path)? {
        // A link to nowhere.
        return Err(Error::StoreIo);
    }
    let name = path.file_name().ok_or(Error::InvalidArgument)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(fs::canonicalize(directory).map_err(io)?.join(name))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io(error)),
    }
}

/// For the owner's eyes alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A file's name lies in its directory, which is synced for itself.
fn sync_directory(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn io(_: io::Error) -> Error {
    Error::StoreIo
}
