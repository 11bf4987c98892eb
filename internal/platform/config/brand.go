package config

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"marketplace.example/trials/internal/domain/brand"
)

// brandFile is the name of the brand's file in the folder of MAIL_TEMPLATES.
const brandFile = "brand.yaml"

// ReadBrand reads a marketplace's brand. Errors name the line and the field.
func ReadBrand(r io.Reader) (brand.Brand, error) {
	var b brand.Brand
	lines, err := decodeYAML(r, &b)
	if err != nil {
		return brand.Brand{}, err
	}
	var problems []error
	if lines["logo.width"].float {
		problems = append(problems, errors.New(lines.at("logo.width")+": must be a whole number"))
	}
	for _, p := range b.Problems() {
		problems = append(problems, fmt.Errorf("%s: %s", lines.at(p.Field), p.Message))
	}
	if len(problems) > 0 {
		return brand.Brand{}, errors.Join(problems...)
	}
	return b, nil
}

// Brand is that of the e-mails to vendors: the neutral one if no folder is named.
func (c Config) Brand() (brand.Brand, error) {
	if c.MailTemplates == "" {
		return brand.Brand{}, nil
	}
	return readFile(filepath.Join(c.MailTemplates, brandFile), ReadBrand)
}
