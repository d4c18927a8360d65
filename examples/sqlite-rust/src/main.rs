//! SQLite on a database in memory and on one in files, with a rollback journal and with a write-ahead log: ten thousand
//! rows (or as many as the argument says), indices, joins, triggers, transactions undone, savepoints, vacuum, an integrity
//! check, and opened again.

use rusqlite::{Connection, Result, params};

/// Rows in the larger table.
fn row_count() -> i64 {
    std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

fn main() -> Result<()> {
    println!("SQLite {}", rusqlite::version());
    workload("in memory", Connection::open_in_memory()?)?;
    let path = std::env::temp_dir().join("sqlite-rust.db");
    for journal in ["delete", "truncate", "persist"] {
        std::fs::remove_file(&path).ok();
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", journal)?;
        workload(journal, connection)?;
        println!("  opened again: {} orders", orders(&Connection::open(&path)?)?);
    }
    std::fs::remove_file(&path).ok();
    let connection = alone(&path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    workload("wal", connection)?;
    println!("  opened again: {} orders", orders(&alone(&path)?)?);
    two_connections(&path)
}

/// A connection that lets no other one in, so that the index of a write-ahead log need not be shared.
fn alone(path: &std::path::Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    Ok(connection)
}

fn orders(connection: &Connection) -> Result<i64> {
    connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
}

fn workload(name: &str, mut connection: Connection) -> Result<()> {
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    println!("{name} (journal: {journal})");
    connection.execute_batch(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, city TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, cents INTEGER, note TEXT);
         CREATE TABLE log (what TEXT);
         CREATE TRIGGER logged AFTER DELETE ON orders BEGIN INSERT INTO log VALUES ('deleted ' || old.id); END;",
    )?;
    let transaction = connection.transaction()?;
    for id in 0..100 {
        let city = ["Bern", "Oslo", "Lima", "Rome"][id % 4];
        let values = params![id as i64, format!("customer {id}"), city];
        transaction.execute("INSERT INTO customers VALUES (?1, ?2, ?3)", values)?;
    }
    {
        let mut insert = transaction.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4)")?;
        for id in 0..row_count() {
            insert.execute(params![id, id * 37 % 100, id * 7919 % 10_000, "n".repeat((id % 50) as usize)])?;
        }
    }
    transaction.commit()?;
    connection.execute_batch("CREATE INDEX by_customer ON orders (customer, cents); ANALYZE;")?;

    let mut query = connection.prepare(
        "SELECT city, count(*), sum(cents), avg(length(note)) FROM orders JOIN customers ON customer = customers.id
         WHERE cents BETWEEN 1000 AND 9000 GROUP BY city ORDER BY city",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (city, count): (String, i64) = (row.get(0)?, row.get(1)?);
        let (sum, average): (i64, f64) = (row.get(2)?, row.get(3)?);
        println!("  {city}: {count} orders, {sum} cents, notes of {average:.3}");
    }
    drop(rows);
    drop(query);

    let undone = connection.transaction()?;
    undone.execute("DELETE FROM orders", [])?;
    undone.rollback()?;
    println!("  after a rollback: {} orders", orders(&connection)?);
    connection.execute_batch(
        "BEGIN; UPDATE orders SET cents = cents + 1 WHERE customer < 10; SAVEPOINT here;
         DELETE FROM orders WHERE id % 2 = 0; ROLLBACK TO here; DELETE FROM orders WHERE id % 5 = 0; COMMIT;",
    )?;
    let logged: i64 = connection.query_row("SELECT count(*) FROM log", [], |row| row.get(0))?;
    println!("  deleted: {logged}, left: {}", orders(&connection)?);

    let pages = |connection: &Connection| connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0));
    let before = pages(&connection)?;
    connection.execute_batch("VACUUM")?;
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    println!("  vacuum: {before} pages became {}, integrity: {check}", pages(&connection)?);
    let duplicate = connection.execute("INSERT INTO customers VALUES (1000, 'customer 1', 'Bern')", []);
    println!("  a duplicate: {}", duplicate.err().map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}

/// What one connection has locked, another finds busy.
fn two_connections(path: &std::path::Path) -> Result<()> {
    std::fs::remove_file(path).ok();
    let (first, second) = (Connection::open(path)?, Connection::open(path)?);
    second.busy_timeout(std::time::Duration::from_millis(50))?;
    first.execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1);")?;
    let refused = second.execute("INSERT INTO t VALUES (2)", []);
    println!("a second writer: {}", refused.err().map(|error| error.to_string()).unwrap_or_default());
    first.execute_batch("COMMIT")?;
    second.execute("INSERT INTO t VALUES (2)", [])?;
    let sum: i64 = first.query_row("SELECT sum(x) FROM t", [], |row| row.get(0))?;
    println!("after the first is done: {sum}");
    Ok(())
}
