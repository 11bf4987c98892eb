// Package version returns a program's version.
package version

import (
	"cmp"
	"runtime/debug"
)

// set is the version set by the build, with -ldflags "-X marketplace.example/trials/internal/platform/version.set=…".
var set string

// Of returns the version set by the build, else the commit that it was built from, with "-modified" if
// that was changed, else "unknown".
func Of() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(set, "unknown")
	}
	return of(set, info)
}

func of(set string, info *debug.BuildInfo) string {
	var commit, modified string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				modified = "-modified"
			}
		}
	}
	if commit != "" {
		commit += modified
	}
	return cmp.Or(set, commit, "unknown")
}
