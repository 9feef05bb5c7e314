//! What the README says is what the code does.

#[test]
fn the_table_of_exit_codes_is_the_one_in_the_code() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("<!-- exit-codes -->\n").expect("the README has the table's begin");
    let (table, _) = rest.split_once("<!-- /exit-codes -->").expect("the README has the table's end");
    assert_eq!(table, casebook::cli::exit_table_markdown());
}
