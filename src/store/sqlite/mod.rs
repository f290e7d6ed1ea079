//! Rows in a file, by SQLite.
//!
//! A write-ahead log with `synchronous=FULL`: a commit appends to the log and syncs it, once. The log is copied into
//! the file every 256 pages and when the store is closed, so that old states of a record do not stay for long. Locks are
//! exclusive, which also keeps the index of the log out of shared memory: there is no `-shm` file.

mod place;
mod schema;

pub(super) use place::Place;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior, ffi};

use crate::error::{Error, Result};
use crate::limits::{STORE_PAGE_BYTES, STORE_PAGE_ROWS};
use crate::store::medium::{Medium, Row, RowChange};

/// Before anything is read. Values are sealed, and still: nothing goes to temporary files, what is deleted is
/// overwritten, and a schema that somebody changed is trusted with nothing.
const SETTINGS: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA cache_spill = OFF;
    PRAGMA wal_autocheckpoint = 256;
    PRAGMA journal_size_limit = 4194304;
";

/// Makes the file with these rows: elsewhere first, so that a crash leaves either all of it or nothing.
pub(super) fn create(place: &Place, rows: &[RowChange]) -> Result<()> {
    let draft = place.draft()?;
    let mut connection = connect(draft.path())?;
    schema::begin(&connection)?;
    write(&connection, rows).map_err(refusal)?;
    commit(&connection).map_err(refusal)?;
    write_ahead(&mut connection)?;
    connection.close().map_err(|(_, error)| refusal(error))?;
    draft.publish()
}

/// A file of rows, opened.
pub(super) struct Sqlite {
    /// `None` after a failure that leaves open what is on the disk.
    connection: Mutex<Option<Connection>>,
    place: Place,
}

impl Sqlite {
    /// Opens an existing file for reading, within a transaction that brings it to the present version.
    /// Until [`Sqlite::settle`], dropping it leaves the file as it was.
    pub(super) fn open(place: Place) -> Result<Self> {
        if place.length()? == 0 {
            return Err(Error::StoreDamaged);
        }
        let had_log = place.has_log();
        let connection = connect(place.path())?;
        // A log that was left by a crash is read, and stays until the key is known to be right. An empty one, which
        // SQLite makes only to open the file, goes again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, had_log).map_err(refusal)?;
        schema::resume(&connection)?;
        if connection.is_readonly("main").map_err(refusal)? {
            return Err(Error::StoreIo);
        }
        Ok(Self { connection: Mutex::new(Some(connection)), place })
    }

    /// Takes the file into use, after its content was checked.
    pub(super) fn settle(mut self) -> Result<Self> {
        let connection = self.connection_mut()?;
        commit(connection).map_err(refusal)?;
        write_ahead(connection)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(refusal)?;
        Ok(self)
    }

    fn check_process(&self) -> Result<()> {
        if self.place.is_ours() { Ok(()) } else { Err(Error::StoreInUse) }
    }

    fn connection(&self) -> Result<MutexGuard<'_, Option<Connection>>> {
        self.check_process()?;
        Ok(self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connection_mut(&mut self) -> Result<&mut Connection> {
        self.check_process()?;
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        connection.as_mut().ok_or(Error::StoreIo)
    }
}

impl Medium for Sqlite {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let connection = self.connection()?;
        let connection = connection.as_ref().ok_or(Error::StoreIo)?;
        let mut statement = connection.prepare("SELECT value FROM record WHERE key = ?1").map_err(refusal)?;
        statement.query_row([key], |row| row.get(0)).optional().map_err(refusal)
    }

    fn page(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Vec<Row>> {
        let connection = self.connection()?;
        let connection = connection.as_ref().ok_or(Error::StoreIo)?;
        // No key comes between a key and the same with a zero behind it.
        let from = after.map_or_else(|| prefix.to_vec(), |after| [after, &[0]].concat());
        let mut statement = connection
            .prepare("SELECT key, value FROM record WHERE key >= ?1 ORDER BY key")
            .map_err(refusal)?;
        let mut rows = statement.query([from]).map_err(refusal)?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        while page.len() < STORE_PAGE_ROWS && bytes < STORE_PAGE_BYTES {
            let Some(row) = rows.next().map_err(refusal)? else { break };
            let (key, value): Row = row.try_into().map_err(refusal)?;
            if !key.starts_with(prefix) {
                break;
            }
            bytes += value.len();
            page.push((key, value));
        }
        Ok(page)
    }

    fn apply(&mut self, rows: &[RowChange]) -> Result<()> {
        let connection = self.connection_mut()?;
        let attempt = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write(&transaction, rows)?;
            transaction.commit()
        };
        let Err(error) = attempt(connection) else { return Ok(()) };
        if !is_undone(&error) || !connection.is_autocommit() {
            // What the log holds is for the next opening to see.
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            *self.connection.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Err(refusal(error))
    }

    fn backup(&self, path: &Path) -> Result<()> {
        let connection = self.connection()?;
        let connection = connection.as_ref().ok_or(Error::StoreIo)?;
        let draft = place::Draft::beside(path)?;
        let target = draft.path().to_str().ok_or(Error::InvalidText)?;
        connection.execute("VACUUM INTO ?1", [target]).map_err(refusal)?;
        draft.publish()
    }

    fn abandon(mut self: Box<Self>) {
        // SQLite's own end would write to the parent's file and take its locks.
        core::mem::forget(self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if !self.place.is_ours() {
            core::mem::forget(connection);
        }
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || {
        let connection = Connection::open_with_flags(path, flags)?;
        // Whoever has the store open keeps it: waiting is pointless.
        connection.busy_timeout(core::time::Duration::ZERO)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.execute_batch(SETTINGS)?;
        Ok(connection)
    };
    connect().map_err(refusal)
}

fn write_ahead(connection: &mut Connection) -> Result<()> {
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    if mode.map_err(refusal)? == "wal" { Ok(()) } else { Err(Error::StoreIo) }
}

fn write(connection: &Connection, rows: &[RowChange]) -> rusqlite::Result<()> {
    let mut put = connection.prepare("REPLACE INTO record (key, value) VALUES (?1, ?2)")?;
    let mut delete = connection.prepare("DELETE FROM record WHERE key = ?1")?;
    for (key, value) in rows {
        match value {
            Some(value) => put.execute((key, value))?,
            None => delete.execute([key])?,
        };
    }
    Ok(())
}

fn commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")
}

/// Whether a failed commit has left nothing behind: the disk was full before its end was written. A
/// failure to sync says no such thing.
fn is_undone(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_WRITE
    })
}

/// What SQLite's refusal means for a store. Our statements are right, so that where SQLite finds fault with one, the
/// file is to blame.
fn refusal(error: rusqlite::Error) -> Error {
    let Some(failure) = error.sqlite_error() else { return Error::StoreDamaged };
    match failure.code {
        // The file ends within a page.
        ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
            Error::StoreDamaged
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::StoreInUse,
        ErrorCode::SystemIoFailure
        | ErrorCode::DiskFull
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::NoLargeFileSupport
        | ErrorCode::FileLockingProtocolFailed => Error::StoreIo,
        ErrorCode::OutOfMemory | ErrorCode::ApiMisuse | ErrorCode::InternalMalfunction => Error::Internal,
        _ => Error::StoreDamaged,
    }
}
