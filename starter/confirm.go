package main

import (
	"bufio"
	"fmt"
	"strings"
)

// confirm asks a person whether a command is meant, unless --yes says so. Without a terminal it refuses the command.
func (a *app) confirm(yes bool, does string) error {
	if yes {
		return nil
	}
	if !a.interactive() {
		return usagef("this %s: say --yes if that is meant", does)
	}
	fmt.Fprintf(a.err, "This %s. Go on? [y/N] ", does)
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil {
		fmt.Fprintln(a.err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return usagef("nothing was done")
}
