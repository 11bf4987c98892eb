package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/fakeapi"
)

var (
	fencedCommand = regexp.MustCompile("(?ms)^```bash\n(.*?)^```$")
	inlineCommand = regexp.MustCompile("`(?:docker compose run --rm (?:--no-deps )?)?starter ([a-z][^`]*)`")
	commandLine   = regexp.MustCompile(`(?m)^(?:go run \./|docker compose run --rm (?:--no-deps )?)?starter ([^#\n]*)`)
	commandWord   = regexp.MustCompile(`"[^"]*"|\S+`)
)

// What the guides tell people to type is a command that there is, with flags that it has. In a block it is whole; in
// a sentence it may lack its arguments, or name a group.
func TestTheGuidesNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range fencedCommand.FindAllStringSubmatch(string(text), -1) {
			for _, line := range commandLine.FindAllStringSubmatch(block[1], -1) {
				require.NoError(t, typed(line[1], true), "%s: starter %s", page, line[1])
			}
		}
		for _, inline := range inlineCommand.FindAllStringSubmatch(string(text), -1) {
			require.NoError(t, typed(inline[1], false), "%s: starter %s", page, inline[1])
		}
	}
	for _, wrong := range []string{"rollout restart", "rollout pause --because \"x\"", "trial extend --days 7", "flags set trialAutomation.on=true"} {
		require.Error(t, typed(wrong, true), wrong)
	}
}

// typed says what is wrong with a command, without running it.
func typed(line string, whole bool) error {
	var out bytes.Buffer
	a := app{out: &out, err: &out}
	var args []string
	for _, word := range commandWord.FindAllString(strings.TrimSpace(line), -1) {
		args = append(args, strings.Trim(word, `"`))
	}
	command, rest, err := a.root().Find(args)
	if err != nil {
		return err
	}
	if err := command.ParseFlags(rest); err != nil {
		return err
	}
	if left := command.Flags().Args(); command.HasSubCommands() && (whole || len(left) > 0) {
		return usagef("%s is a group, and has no command %v", command.CommandPath(), left)
	}
	if !whole {
		return nil
	}
	if err := command.ValidateArgs(command.Flags().Args()); err != nil {
		return err
	}
	return command.ValidateRequiredFlags()
}

// The guide from the built-in policy and e-mails to one's own does what it says.
func TestTheGuideToMakeItYoursDoesWhatItSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/make-it-yours.md")
	require.NoError(t, err)
	folder, bin := t.TempDir(), t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(folder, "deploy"), os.DirFS("../deploy")))
	self, err := os.Executable()
	require.NoError(t, err)
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec %q \"$@\"\n", asProcess, self)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "starter"), []byte(script), 0o700))
	w := newWorld(t)
	var out string
	for _, block := range fencedCommand.FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(block[1], "vendor register") {
			w = newWorldOf(fakeapi.NewInMemory())
			w.Policies, err = config.Config{Policies: filepath.Join(folder, "our", "policies.yaml")}.ReadPolicies()
			require.NoError(t, err)
			w.serve(t)
		}
		command := exec.CommandContext(t.Context(), "bash", "-euc", block[1])
		command.Dir = folder
		command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		for name, value := range w.environment {
			command.Env = append(command.Env, name+"="+value)
		}
		printed, err := command.CombinedOutput()
		require.NoError(t, err, "%s\n%s", block[1], printed)
		out += string(printed)
	}
	for _, said := range []string{
		"Half of your trial is over: ", "Rule 1: vendors with country=BR get brazil.", "\nhalf-way   ", "Metade do seu teste já passou", "in 5 languages, de, en, es, fr, pt",
		"Without words in de, so written in en: half-way", "Vendor v-2001 is registered.", "a rule chose it",
	} {
		require.Contains(t, out, said)
	}
}
