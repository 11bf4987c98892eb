// Package app has the use cases, one a file: what the API, the pages and the command line translate requests into. It decides by
// the domain's rules, puts changes on the audit record, and reaches everything else through the ports that it declares.
package app
