package mailbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// journal keeps messages in a file, one line of JSON each.
type journal struct {
	file *os.File
}

// openJournal opens the journal in dir, and returns its messages. It drops a last line
// that was cut short by a crash: its mail was never acknowledged.
func openJournal(dir string) (_ *journal, _ []*Message, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the mailbox's directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "messages.jsonl"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the journal: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	messages, size, err := readJournal(file)
	if err != nil {
		return nil, nil, err
	}
	if err := file.Truncate(size); err != nil {
		return nil, nil, fmt.Errorf("cut off the journal's last line: %w", err)
	}
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return nil, nil, fmt.Errorf("go to the journal's end: %w", err)
	}
	return &journal{file}, messages, nil
}

// readJournal returns the messages of the whole lines, and their size in bytes.
func readJournal(r io.Reader) (messages []*Message, size int64, err error) {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return messages, size, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read the journal: %w", err)
		}
		m := new(Message)
		if err := json.Unmarshal(line, m); err != nil {
			return nil, 0, fmt.Errorf("read the journal's line %d: %w", len(messages)+1, err)
		}
		messages = append(messages, m)
		size += int64(len(line))
	}
}

func (j *journal) append(m *Message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write a mail as JSON: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	return nil
}

func (j *journal) clear() error {
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the journal: %w", err)
	}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go to the journal's start: %w", err)
	}
	return nil
}

func (j *journal) close() error { return j.file.Close() }
