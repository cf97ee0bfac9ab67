//! The packages of the workspace, from `cargo metadata`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::output;

/// The packages of a workspace.
pub(super) struct Workspace {
    pub root: PathBuf,
    pub packages: Vec<Package>,
}

/// A package of the workspace.
pub(super) struct Package {
    pub name: String,
    /// Packages of the workspace that it needs, and those that only its tests, examples and benchmarks need.
    pub normal: BTreeSet<String>,
    pub dev: BTreeSet<String>,
    /// Its library and programs.
    pub targets: Vec<Target>,
}

/// A library or a program.
#[derive(Clone)]
pub(super) struct Target {
    pub package: String,
    pub is_library: bool,
    /// The file that it begins with.
    pub root: PathBuf,
}

impl Workspace {
    /// The workspace in a folder.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let manifest = root.join("Cargo.toml").display().to_string();
        let options = ["--no-deps", "--format-version", "1"];
        let line = ["metadata", "--manifest-path", &manifest];
        let text = output("cargo", &[&line, &options[..]].concat())?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
        let of = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let packages: Vec<&Value> = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let names: BTreeSet<String> = packages.iter().map(|package| of(package, "name")).collect();
        let package = |package: &&Value| {
            let needs = |dev: bool| {
                let all = package["dependencies"].as_array().into_iter().flatten();
                let kind = all.filter(|need| (need["kind"] == "dev") == dev);
                let known = kind.map(|need| of(need, "name"));
                known.filter(|name| names.contains(name)).collect()
            };
            let name = of(package, "name");
            let targets = package["targets"].as_array().into_iter().flatten();
            let targets = targets.filter_map(|target| {
                let kinds = target["kind"].as_array()?;
                let is_library = kinds.iter().any(|kind| kind == "lib");
                let is_program = kinds.iter().any(|kind| kind == "bin");
                (is_library || is_program).then(|| Target {
                    package: name.clone(),
                    is_library,
                    root: PathBuf::from(of(target, "src_path")),
                })
            });
            Package {
                targets: targets.collect(),
                normal: needs(false),
                dev: needs(true),
                name: name.clone(),
            }
        };
        Ok(Self {
            root: PathBuf::from(of(&metadata, "workspace_root")),
            packages: packages.iter().map(package).collect(),
        })
    }
}
