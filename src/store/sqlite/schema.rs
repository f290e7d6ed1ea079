//! What is in the file besides rows: whose it is, and of which version.

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::store::sqlite::refusal;

/// "SWax", in the header of the file: `file` and SQLite's tools show it.
const APPLICATION: u32 = 0x5357_6178;

const RECORD: &str = "CREATE TABLE record (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID";

/// What each version adds to the one before. A version is the number of its steps.
const LADDER: &[&str] = &[RECORD];

/// Everything that the schema of the present version holds.
const TABLES: &[(&str, &str)] = &[("record", RECORD)];

/// Begins a transaction and makes an empty file one of ours.
pub(super) fn begin(connection: &Connection) -> Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(refusal)?;
    connection.pragma_update(None, "application_id", APPLICATION).map_err(refusal)?;
    climb(connection, LADDER, 0)
}

/// Begins a transaction and brings a file of ours to the present version.
///
/// [`Error::StoreDamaged`] if it is not ours, [`Error::StoreNewer`].
pub(super) fn resume(connection: &Connection) -> Result<()> {
    connection.execute_batch("BEGIN").map_err(refusal)?;
    if number(connection, "application_id")? != i64::from(APPLICATION) {
        return Err(Error::StoreDamaged);
    }
    climb(connection, LADDER, version(connection, LADDER)?)?;
    let tables = tables(connection).map_err(refusal)?;
    if !tables.iter().map(|(name, sql)| (&**name, &**sql)).eq(TABLES.iter().copied()) {
        return Err(Error::StoreDamaged);
    }
    // Pages that are in use and free at once, or that lead in circles: rows may all be right, and the next
    // commit overwrites them.
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(refusal)?;
    if found == "ok" { Ok(()) } else { Err(Error::StoreDamaged) }
}

/// Takes the steps that are missing; none writes nothing.
fn climb(connection: &Connection, ladder: &[&str], from: usize) -> Result<()> {
    let steps = ladder.get(from..).unwrap_or_default();
    for step in steps {
        connection.execute_batch(step).map_err(refusal)?;
    }
    if steps.is_empty() {
        return Ok(());
    }
    let version = u32::try_from(ladder.len()).map_err(|_| Error::Internal)?;
    connection.pragma_update(None, "user_version", version).map_err(refusal)
}

/// The steps that a file has behind it. One of ours has at least the first.
fn version(connection: &Connection, ladder: &[&str]) -> Result<usize> {
    match usize::try_from(number(connection, "user_version")?) {
        Ok(0) | Err(_) => Err(Error::StoreDamaged),
        Ok(version) if version > ladder.len() => Err(Error::StoreNewer),
        Ok(version) => Ok(version),
    }
}

fn number(connection: &Connection, pragma: &str) -> Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(refusal)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY rowid")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: &[&str] = &[RECORD, "CREATE TABLE later (number INTEGER)", "INSERT INTO later VALUES (7)"];

    fn rows(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_later_version_takes_the_steps_that_are_missing_and_keeps_the_rows() {
        let connection = Connection::open_in_memory().unwrap();
        begin(&connection).unwrap();
        connection.execute_batch("INSERT INTO record VALUES (x'01', x'02'); COMMIT; BEGIN").unwrap();

        climb(&connection, LATER, version(&connection, LATER).unwrap()).unwrap();
        assert_eq!((rows(&connection, "record"), rows(&connection, "later")), (1, 1));
        assert_eq!(version(&connection, LATER), Ok(3));
        climb(&connection, LATER, 3).unwrap();
        assert_eq!(rows(&connection, "later"), 1);

        assert_eq!(version(&connection, LADDER), Err(Error::StoreNewer));
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!((version(&connection, LATER), tables(&connection).unwrap().len()), (Ok(1), 1));
    }

    #[test]
    fn a_step_that_fails_is_undone_with_the_rest() {
        let connection = Connection::open_in_memory().unwrap();
        begin(&connection).unwrap();
        connection.execute_batch("COMMIT; BEGIN").unwrap();
        let broken = [RECORD, LATER[1], "INSERT INTO nowhere VALUES (1)"];
        assert_eq!(climb(&connection, &broken, 1), Err(Error::StoreDamaged));
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!((version(&connection, &broken), tables(&connection).unwrap().len()), (Ok(1), 1));
    }

    #[test]
    fn only_a_file_of_ours_with_nothing_added_is_resumed() {
        let resumed = |more: &str| {
            let connection = Connection::open_in_memory().unwrap();
            begin(&connection).unwrap();
            connection.execute_batch(&format!("{more}; COMMIT")).unwrap();
            resume(&connection)
        };
        assert_eq!(resumed(""), Ok(()));
        for more in [
            "PRAGMA application_id = 1",
            "PRAGMA user_version = 0",
            "PRAGMA user_version = -1",
            "DROP TABLE record",
            "CREATE TABLE more (number INTEGER)",
            "CREATE VIEW more AS SELECT * FROM record",
            "CREATE TRIGGER more DELETE ON record BEGIN SELECT 1; END",
            "CREATE INDEX more ON record (value)",
        ] {
            assert_eq!(resumed(more), Err(Error::StoreDamaged), "{more}");
        }
        assert_eq!(resumed("PRAGMA user_version = 2"), Err(Error::StoreNewer));
    }
}
