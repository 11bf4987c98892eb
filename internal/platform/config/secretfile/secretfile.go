// Package secretfile reads secrets from files, all by the same rules. Its errors name the file and never
// repeat its content.
package secretfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBytes bounds how much of a file is read: a path to something else is a mistake.
const maxBytes = 64 << 10

// byteOrderMarks are the beginnings of files that an editor marked as UTF-8 or UTF-16.
var byteOrderMarks = []string{"\ufeff", "\xff\xfe", "\xfe\xff"}

// Line reads a secret of one line, without blanks and line ends around it.
func Line(path string) (string, error) { return checked(path, Check) }

// List reads comma-separated secrets. A line may end after a comma.
func List(path string) (string, error) { return checked(path, CheckList) }

func checked(path string, check func(string) error) (string, error) {
	text, err := Text(path)
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	if err := check(text); err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	return text, nil
}

// Text reads a file of several lines, keys for example. It may be empty.
func Text(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // nothing was written

	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxBytes {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxBytes)
	}
	for _, mark := range byteOrderMarks {
		if bytes.HasPrefix(content, []byte(mark)) {
			return "", fmt.Errorf("%s begins with a byte-order mark: save it as UTF-8 without one", path)
		}
	}
	if !utf8.Valid(content) || bytes.ContainsRune(content, 0) {
		return "", fmt.Errorf("%s is not a text file", path)
	}
	return string(content), nil
}

// CheckList is Check for comma-separated secrets.
func CheckList(secrets string) error {
	for secret := range strings.SplitSeq(secrets, ",") {
		if err := Check(strings.TrimSpace(secret)); err != nil {
			return err
		}
	}
	return nil
}

// Check refuses what no one-line secret contains, wherever it comes from.
func Check(secret string) error {
	switch {
	case strings.ContainsAny(secret, "\r\n"):
		return errors.New("contains more than one line")
	case strings.ContainsRune(secret, '\ufeff'):
		return errors.New("contains a byte-order mark")
	case !utf8.ValidString(secret), strings.ContainsFunc(secret, unicode.IsControl):
		return errors.New("contains control or invalid characters")
	}
	return nil
}
