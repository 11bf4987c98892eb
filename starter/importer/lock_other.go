//go:build !unix

package importer

import "os"

// lock does nothing where files cannot be locked as on Unix: two imports at
// once are then the user's mistake, and cost repeated requests only.
func lock(*os.File) error { return nil }
