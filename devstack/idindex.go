package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver that FerretDB uses too
)

// indexLimit bounds how long making one index may take.
const indexLimit = time.Minute

// idIndexes gives collections an index that their look-ups by _id can use.
//
// FerretDB indexes _ferretdb_sjson->"_id" and asks for _ferretdb_sjson->'$._id'.
// To SQLite these are two expressions, so that without a second index every
// look-up by _id reads the whole collection: 100 ms at 10,000 documents instead
// of 1 ms.
type idIndexes struct {
	dir    string
	logger *slog.Logger
}

// ensure makes the missing indexes of a database. It must not run while
// another command writes.
func (x idIndexes) ensure(ctx context.Context, database string) {
	ctx, cancel := context.WithTimeout(ctx, indexLimit)
	defer cancel()
	if err := x.make(ctx, database); err != nil {
		x.logger.Warn("look-ups by _id stay slow", "database", database, "error", err)
	}
}

func (x idIndexes) make(ctx context.Context, database string) (err error) {
	path := filepath.ToSlash(filepath.Join(x.dir, database+".sqlite"))
	query := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(10000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return fmt.Errorf("open the database's file: %w", err)
	}
	defer func() { _ = db.Close() }()
	tables, err := unindexed(ctx, db)
	if err != nil {
		return err
	}
	for _, table := range tables {
		statement := fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %s ON %s (_ferretdb_sjson->'$._id')`, quote(table+indexSuffix), quote(table))
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("index %s: %w", table, err)
		}
	}
	return nil
}

const indexSuffix = "_by_id"

// unindexed lists the tables of collections that lack the index.
func unindexed(ctx context.Context, db *sql.DB) (tables []string, err error) {
	rows, err := db.QueryContext(ctx, `
		SELECT name FROM sqlite_master AS t
		WHERE type = 'table' AND name NOT LIKE '\_ferretdb\_%' ESCAPE '\' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = t.name AND name = t.name || ?)`, indexSuffix)
	if err != nil {
		return nil, fmt.Errorf("list the collections' tables: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, fmt.Errorf("read a table's name: %w", err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the collections' tables: %w", err)
	}
	return tables, nil
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
