package stack

import "syscall"

// ChildAttributes let a child end with its parent, however that ends, and
// keep a terminal's interrupt from reaching it before the parent has decided.
func ChildAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}
