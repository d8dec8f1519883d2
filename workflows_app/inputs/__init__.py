"""What a person is asked, as data: fields with labels, choices and conditions, from which forms, pages and the API's
JSON Schema are made. One definition serves all of them."""
