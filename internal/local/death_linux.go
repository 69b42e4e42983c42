package local

import (
	"os/exec"
	"syscall"
)

// dieWithParent asks the kernel to send sig to the server when we are gone, even by kill -9.
func dieWithParent(cmd *exec.Cmd, sig syscall.Signal) { cmd.SysProcAttr.Pdeathsig = sig }
