//go:build unix

package importer

import (
	"os"
	"syscall"
)

// lock keeps a second process from the file, for as long as it is open.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
