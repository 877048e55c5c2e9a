//! Are the topics of a configuration there, and wide enough? Pure, over what a cluster says of itself.

use super::StreamError;
use super::config::Config;
use super::lanes::{LanePlan, Shape};
use crate::entity::nearest;
use regex_automata::dfa::regex::Regex;
use std::collections::BTreeMap;

/// The topics of a cluster, and how many partitions each has.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// By name.
    pub topics: BTreeMap<String, i32>,
}

impl Cluster {
    /// Returns the input topics that are there now.
    ///
    /// # Errors
    /// A topic is missing, an output is read, or an output that keeps partitions has fewer than an input.
    pub(super) fn check(&self, config: &Config, lanes: &[LanePlan]) -> Result<Vec<String>, StreamError> {
        let mut inputs = Vec::new();
        for topic in &config.input.topics {
            if topic.starts_with('^') {
                let Ok(regex) = Regex::new(topic) else {
                    return Err(StreamError::new(
                        format!("not a regular expression: {topic}"),
                        "for example ^sms\\..*",
                    ));
                };
                inputs.extend(self.topics.keys().filter(|name| regex.is_match(name.as_bytes())).cloned());
            } else {
                self.partitions(topic)?;
                inputs.push(topic.clone());
            }
        }
        inputs.sort_unstable();
        inputs.dedup();
        if inputs.is_empty() {
            return Err(StreamError::new(
                "no topic of the cluster is an input".to_owned(),
                "create one, or name another in input.topics",
            ));
        }
        let outputs = lanes.iter().map(|lane| lane.topic.as_str()).chain([config.quarantine.as_str()]);
        for output in outputs {
            self.partitions(output)?;
            if inputs.iter().any(|input| input == output) {
                return Err(StreamError::new(
                    format!("the output {output} is an input too"),
                    "narrow the expression in input.topics; what is written would be read again for ever",
                ));
            }
        }
        for lane in lanes.iter().filter(|lane| lane.shape == Shape::Traced) {
            let n_out = self.partitions(&lane.topic)?;
            for input in &inputs {
                let n_in = self.partitions(input)?;
                if n_in > n_out {
                    return Err(StreamError::new(
                        format!("{} has {n_out} partitions, and its input {input} has {n_in}", lane.topic),
                        "the storage lane keeps a record's partition: add partitions to it",
                    ));
                }
            }
        }
        Ok(inputs)
    }

    /// Returns how many partitions a topic has.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn partitions(&self, topic: &str) -> Result<i32, StreamError> {
        self.topics.get(topic).copied().ok_or_else(|| {
            let hint = match nearest(topic, self.topics.keys().map(String::as_str)) {
                Some(meant) => format!("create it; or did you mean {meant}?"),
                None => "create it; efface creates no topics".to_owned(),
            };
            StreamError::new(format!("no such topic: {topic}"), hint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::config::Key;
    use std::path::Path;

    #[test]
    fn topics_must_be_there_and_wide_enough() {
        #[track_caller]
        fn check(inputs: &str, topics: &[(&str, i32)], expected: Result<&[&str], &str>) {
            let text = format!(
                "[kafka]\nbootstrap_servers = \"x\"\ngroup_id = \"g\"\n[input]\ntopics = [{inputs}]\n\
                 [lanes.storage]\ntopic = \"out.storage\"\n[lanes.analytics]\ntopic = \"out.analytics\"\n\
                 [quarantine]\ntopic = \"out.quarantine\"\n"
            );
            let config = Config::parse(&text, "efface.toml", Path::new(".")).unwrap();
            let plan = |lane: &crate::stream::config::LaneConfig| LanePlan {
                name: lane.name.clone(),
                topic: lane.topic.clone(),
                shape: if lane.name == "storage" { Shape::Traced } else { Shape::Unlinked },
                key: Key::Scan,
                headers: Vec::new(),
                policy_hash: String::new(),
                class: crate::crypt::LaneClass::Storage,
            };
            let lanes: Vec<_> = config.lanes.iter().map(plan).collect();
            let topics = topics.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
            match (Cluster { topics }.check(&config, &lanes), expected) {
                (Ok(inputs), Ok(expected)) => assert_eq!(inputs, expected),
                (Err(err), Err(expected)) => assert!(err.to_string().starts_with(expected), "{err}"),
                (found, expected) => panic!("{found:?}, expected {expected:?}"),
            }
        }
        let outputs = [("out.storage", 4), ("out.analytics", 1), ("out.quarantine", 1)];
        let with = |more: &[(&'static str, i32)]| [&outputs, more].concat();
        check("\"a\"", &with(&[("a", 4)]), Ok(&["a"]));
        check("\"a\", \"^b.*\"", &with(&[("a", 4), ("b1", 1), ("b2", 2), ("cb", 9)]), Ok(&["a", "b1", "b2"]));
        check("\"a\"", &with(&[("a", 5)]), Err("out.storage has 4 partitions, and its input a has 5"));
        check("\"a\"", &with(&[]), Err("no such topic: a"));
        check("\"a\"", &[("a", 1), ("out.storage", 1), ("out.analytics", 1)], Err("no such topic: out.quarantine"));
        check("\"^out.*\"", &with(&[]), Err("the output out.analytics is an input too"));
        check("\"^z.*\"", &with(&[]), Err("no topic of the cluster is an input"));
    }
}
