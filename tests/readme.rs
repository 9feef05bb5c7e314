//! What the README says is what the code does.

#[test]
fn the_table_of_exit_codes_is_the_one_in_the_code() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("<!-- exit-codes -->\n").expect("the README has the table's begin");
    let (table, _) = rest.split_once("<!-- /exit-codes -->").expect("the README has the table's end");
    assert_eq!(table, casebook::cli::exit_table_markdown());
}

/// The TOML examples of the authoring guide, in order.
fn examples() -> Vec<&'static str> {
    let guide = include_str!("../cases/README.md");
    guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn the_case_of_the_authoring_guide_loads_beside_the_suite() {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let copy = tempfile::tempdir().expect("a directory");
    let mut folders = vec![cases.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("it is there").path();
            let to = copy.path().join(path.strip_prefix(&cases).expect("below"));
            if path.is_dir() {
                std::fs::create_dir_all(&to).expect("made");
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                std::fs::copy(&path, &to).expect("copied");
            }
        }
    }
    let example = examples()[0].replace("id = \"partial-failure\"", "id = \"of-the-guide\"");
    std::fs::write(copy.path().join("groove/add/guide.toml"), example).expect("written");
    let suite = casebook::load::suite(copy.path()).unwrap_or_else(|error| panic!("{error}"));
    assert!(suite.cases.iter().any(|case| case.id.as_str() == "groove/add/of-the-guide"));
}

#[test]
fn the_service_of_the_authoring_guide_loads() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    write("service.toml", examples()[1]);
    write(
        "clauses.toml",
        "[document]\nid = \"d\"\ntitle = \"t\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n\
         bytes = 1\n[[clause]]\nid = \"GRV-ADD-10\"\nsection = \"s\"\nlevel = \"stated\"\ntext = \"x\"\n",
    );
    write(
        "case.toml",
        "suite = \"a\"\nservice = \"groove\"\n[[case]]\nid = \"b\"\ntitle = \"t\"\neffect = \"write\"\n\
         clauses = [\"GRV-ADD-10\"]\nlet.ids = \"${groove.tracks[0..2]}\"\n[[case.step]]\nuse = \"add-tracks\"\n\
         with.ids = \"${ids}\"\nexpect.use = [\"sane\"]\nexpect.json = '{\"$any\": true}'\n",
    );
    let suite = casebook::load::suite(dir.path()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(suite.cases.len(), 1);
}
