package mailbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// readRaw fills m from a MIME message: its headers, its first text
// and its first HTML part. Sender and recipients come from it if the
// request names none.
func (m *Message) readRaw(data []byte) error {
	raw, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("read the raw message: %w", err)
	}
	var words mime.WordDecoder
	for name, values := range raw.Header {
		value, err := words.DecodeHeader(strings.Join(values, ", "))
		if err != nil {
			return fmt.Errorf("read the header %s: %w", name, err)
		}
		switch name {
		case "Subject":
			m.Subject = value
		case "From":
			if m.From == "" {
				m.From = value
			}
		default:
			m.Headers[name] = value
		}
	}
	if len(m.To) == 0 {
		for _, name := range []string{"To", "Cc", "Bcc"} {
			list, err := raw.Header.AddressList(name)
			if err != nil && !errors.Is(err, mail.ErrHeaderNotPresent) {
				return fmt.Errorf("read the header %s: %w", name, err)
			}
			for _, address := range list {
				m.To = append(m.To, address.Address)
			}
		}
	}
	return m.readPart(raw.Header.Get("Content-Type"), raw.Header.Get("Content-Transfer-Encoding"), raw.Body)
}

func (m *Message) readPart(contentType, encoding string, body io.Reader) error {
	if contentType == "" {
		contentType = "text/plain"
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("read a part's type: %w", err)
	}
	if strings.HasPrefix(media, "multipart/") {
		return m.readParts(multipart.NewReader(body, params["boundary"]))
	}
	data, err := io.ReadAll(decoded(encoding, body))
	if err != nil {
		return fmt.Errorf("read a part: %w", err)
	}
	switch {
	case media == "text/html" && m.HTML == "":
		m.HTML = string(data)
	case media == "text/plain" && m.Text == "":
		m.Text = string(data)
	}
	return nil
}

func (m *Message) readParts(parts *multipart.Reader) error {
	for {
		// NextRawPart leaves the encoding to readPart.
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find the next part: %w", err)
		}
		if err := m.readPart(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
			return err
		}
	}
}

func decoded(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	default:
		return body
	}
}
