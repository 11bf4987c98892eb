package wording

import (
	"embed"
	"io/fs"
)

//go:embed builtin
var builtIn embed.FS

// BuiltIn are the built-in words: a folder for each language with a file for each kind, as a marketplace writes its own.
func BuiltIn() fs.FS {
	folder, err := fs.Sub(builtIn, "builtin")
	if err != nil {
		panic(err) // the name is a constant
	}
	return folder
}
