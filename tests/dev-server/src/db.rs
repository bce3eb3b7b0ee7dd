//! The database: one SQLite file (or none), in which each market has tables of its own.

use std::path::Path;

use rusqlite::{Connection, Params, Row, params};
use serde_json::json;

use crate::catalogue::{self, PRODUCTS};
use crate::market::Market;

/// The tables that both markets share.
const SHARED: &str = "
    CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS tokens (text TEXT PRIMARY KEY, revoked INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS idempotency (owner TEXT, key TEXT, answer TEXT NOT NULL, PRIMARY KEY (owner, key));
";

/// The tables of one market. Foreign keys are checked: a cart for a user of the other market cannot be made.
/// Times are microseconds since 1970. `touched` orders the lines of a cart as an updating database does: the
/// line changed last comes last.
const PER_MARKET: &str = "
    CREATE TABLE {m}_users (id INTEGER PRIMARY KEY AUTOINCREMENT, phone TEXT UNIQUE NOT NULL, full_name TEXT,
        profile_image_url TEXT, email TEXT, is_active INTEGER NOT NULL DEFAULT 1, last_login INTEGER,
        created_at INTEGER NOT NULL);
    CREATE TABLE {m}_codes (id INTEGER PRIMARY KEY AUTOINCREMENT, phone TEXT NOT NULL, code TEXT NOT NULL,
        sent_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE {m}_products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, about TEXT NOT NULL);
    CREATE TABLE {m}_skus (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES {m}_products(id),
        code TEXT NOT NULL, size TEXT NOT NULL, color TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL,
        is_active INTEGER NOT NULL);
    CREATE TABLE {m}_carts (id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER UNIQUE NOT NULL REFERENCES {m}_users(id) ON DELETE CASCADE);
    CREATE TABLE {m}_cart_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
        cart_id INTEGER NOT NULL REFERENCES {m}_carts(id) ON DELETE CASCADE,
        sku_id INTEGER NOT NULL REFERENCES {m}_skus(id), quantity INTEGER NOT NULL, touched INTEGER NOT NULL);
    CREATE TABLE {m}_wishlists (id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER UNIQUE NOT NULL REFERENCES {m}_users(id) ON DELETE CASCADE);
    CREATE TABLE {m}_wishlist_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
        wishlist_id INTEGER NOT NULL REFERENCES {m}_wishlists(id) ON DELETE CASCADE,
        product_id INTEGER NOT NULL REFERENCES {m}_products(id));
    CREATE TABLE {m}_orders (id INTEGER PRIMARY KEY AUTOINCREMENT, order_number TEXT NOT NULL,
        user_id INTEGER NOT NULL REFERENCES {m}_users(id) ON DELETE CASCADE, status TEXT NOT NULL DEFAULT 'pending',
        customer_name TEXT NOT NULL, customer_phone TEXT NOT NULL, customer_email TEXT, delivery_address TEXT NOT NULL,
        delivery_city TEXT, delivery_notes TEXT, payment_method TEXT, subtotal REAL NOT NULL,
        shipping_cost REAL NOT NULL, total_amount REAL NOT NULL, currency TEXT NOT NULL DEFAULT 'KGS',
        order_date INTEGER NOT NULL);
    CREATE TABLE {m}_order_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
        order_id INTEGER NOT NULL REFERENCES {m}_orders(id) ON DELETE CASCADE, sku_id INTEGER NOT NULL,
        product_name TEXT NOT NULL, sku_code TEXT NOT NULL, size TEXT NOT NULL, color TEXT NOT NULL,
        unit_price REAL NOT NULL, quantity INTEGER NOT NULL, total_price REAL NOT NULL);
";

/// Opens the file, or a database in memory, and makes what is not there yet.
pub(crate) fn open(path: Option<&Path>) -> rusqlite::Result<Connection> {
    let conn = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    // A development server may lose the last moment in a power cut; it may not be slow.
    conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF;")?;
    conn.execute_batch(SHARED)?;
    for market in Market::ALL {
        let shop = Shop { conn: &conn, market };
        if !shop.exists("SELECT 1 FROM sqlite_master WHERE name = '{m}_users'", [])? {
            shop.make()?;
        }
    }
    Ok(conn)
}

/// Forgets everything but the signing secret.
pub(crate) fn reset(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA foreign_keys = OFF")?;
    let tx = conn.transaction()?;
    for market in Market::ALL {
        let shop = Shop { conn: &tx, market };
        let tables = shop.rows(
            "SELECT name FROM sqlite_master WHERE name GLOB '{m}_*' AND type = 'table'",
            [],
            |row| row.get::<_, String>(0),
        )?;
        for table in tables {
            tx.execute_batch(&format!("DROP TABLE {table}"))?;
        }
        shop.make()?;
    }
    // A token of before must not stand for the next user of that number.
    tx.execute_batch("UPDATE tokens SET revoked = 1; DELETE FROM idempotency;")?;
    tx.commit()?;
    conn.execute_batch("PRAGMA foreign_keys = ON")
}

/// The secret that signs tokens. It lives with the data, so that tokens outlive a restart of the server.
pub(crate) fn secret(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    conn.execute("INSERT OR IGNORE INTO secrets VALUES ('token', randomblob(32))", [])?;
    conn.query_row("SELECT value FROM secrets WHERE name = 'token'", [], |row| row.get(0))
}

/// One market's part of the database. `{m}` in a statement stands for the market.
pub(crate) struct Shop<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) market: Market,
}

impl Shop<'_> {
    fn sql(&self, text: &str) -> String {
        text.replace("{m}", self.market.code())
    }

    /// Runs a statement; the number of rows it changed.
    pub(crate) fn exec(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.conn.prepare_cached(&self.sql(sql))?.execute(params)
    }

    /// Inserts a row; its id.
    pub(crate) fn insert(&self, sql: &str, params: impl Params) -> rusqlite::Result<i64> {
        self.exec(sql, params)?;
        Ok(self.conn.last_insert_rowid())
    }

    /// All rows of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.conn.prepare_cached(&self.sql(sql))?.query_map(params, read)?.collect()
    }

    /// The first row of a query, if there is one.
    pub(crate) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        Ok(self.rows(sql, params, read)?.into_iter().next())
    }

    /// The first column of the first row.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> rusqlite::Result<Option<i64>> {
        self.row(sql, params, |row| row.get(0))
    }

    pub(crate) fn exists(&self, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
        Ok(self.number(sql, params)?.is_some())
    }

    fn make(&self) -> rusqlite::Result<()> {
        self.conn.execute_batch(&self.sql(PER_MARKET))?;
        let of = |pair| catalogue::of(pair, self.market);
        for product in PRODUCTS {
            let about = json!({
                "slug": product.slug,
                "brand": product.brand,
                "originalPrice": product.original_price.map(|pair| catalogue::of(pair, self.market)),
                "image": product.images.first().unwrap_or(&""),
                "images": product.images,
                "category": of(catalogue::CATEGORY),
                "subcategory": of(product.subcategory),
                "rating": product.rating,
                "reviews": product.reviews,
                "salesCount": product.sales,
                "description": of(product.description),
                "features": [],
            });
            self.exec(
                "INSERT INTO {m}_products VALUES (?, ?, ?)",
                params![product.id, of(product.name), about.to_string()],
            )?;
            for sku in product.skus {
                self.exec(
                    "INSERT INTO {m}_skus VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    params![
                        sku.id,
                        product.id,
                        sku.code,
                        sku.size,
                        sku.color,
                        catalogue::of(sku.price, self.market),
                        sku.stock,
                        sku.active
                    ],
                )?;
            }
        }
        Ok(())
    }
}
