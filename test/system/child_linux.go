package system

import "syscall"

// childAttributes let a child end with its parent, however that ends, and
// keep a terminal's interrupt from reaching it before the parent has decided.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
