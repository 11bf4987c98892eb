//go:build !linux

package stack

import "syscall"

// ChildAttributes keep a terminal's interrupt from reaching a child before its parent has decided.
func ChildAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
