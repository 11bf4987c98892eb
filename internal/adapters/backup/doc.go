// Package backup keeps copies of the database in files that are refused where anything about them
// is wrong. It knows neither the database nor where the files lie: it is given records, and a place
// to keep them.
//
// A backup is a full one, with every document, or an incremental one, with what is different from
// the full one that it names. So two files at most are read to restore it, and losing an incremental
// one costs that one only.
package backup
