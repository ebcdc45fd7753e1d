use super::*;
use crate::analysis::{
    reweight::{FitOptions, fit},
    testing::{run, table},
};

const SHAPE: Shape = Shape { layers: 2, heads: 11, labels: 2 };

fn file() -> (WeightsFile, RunMeta, Mix) {
    let run = run(table(SHAPE, 12, 1, |i| i as f64 / 9.0), table(SHAPE, 4, 2, |_| 0.0));
    let fit = fit(&run.train, &FitOptions::default(), &crate::cancel::Cancel::default()).unwrap();
    (WeightsFile::new(&fit, &run.meta), run.meta, fit.mix)
}

#[test]
fn parsing_a_written_file_restores_the_mix() {
    let (file, meta, mix) = file();
    let read = WeightsFile::parse(&file.to_text()).unwrap().mix(&meta.model, &meta.task).unwrap();
    assert_eq!(read.rest, mix.rest);
    assert!(read.weights.iter().zip(&mix.weights).all(|(read, written)| (read - written).abs() < 1e-15));
    let json: serde_json::Value = serde_json::from_str(&file.to_text()).unwrap();
    let text = file.to_text();
    assert!(json["weights"]["L1.MLP"].is_f64() && json["rest"] == 0.0 && json["method"] == "convex");
    assert!(text.find("L0.H2").unwrap() < text.find("L0.H10").unwrap(), "components are in the model's order");
}

#[test]
fn weights_of_another_model_task_or_label_set_are_refused() {
    let (file, meta, _) = file();
    let message = |meta: &RunMeta| file.mix(&meta.model, &meta.task).unwrap_err().to_string();
    let mut other = meta.clone();
    other.model.weights_hash = "0".into();
    assert!(message(&other).contains("another model"));
    let mut other = meta.clone();
    other.task.name = "rte".into();
    assert!(message(&other).contains("for task toy, not rte"));
    let mut other = meta.clone();
    other.task.label_words[0] = " maybe".into();
    assert!(message(&other).contains("label 0 and  label 1, not  maybe and"), "{}", message(&other));
}

#[test]
fn weights_for_other_label_tokens_are_refused_by_the_tokens() {
    let (file, meta, _) = file();
    let mut other = meta;
    other.task.label_tokens.reverse();
    let message = file.mix(&other.model, &other.task).unwrap_err().to_string();
    assert!(message.contains("`label_tokens`: these weights were fitted for the label tokens"), "{message}");
}

#[test]
fn a_mix_may_be_edited_but_not_what_it_was_fitted_for() {
    let (mut file, _, _) = file();
    file.demo_ids = vec!["a".to_owned()];
    file.demos = vec![Demonstration { label: Some("yes".to_owned()), ..Demonstration::of_pool("a") }];
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&file.to_text()).unwrap();
        edit(&mut value);
        WeightsFile::parse(&value.to_string()).map_err(|error| error.to_string())
    };
    let read = edited(&|value| value["weights"]["L0.H0"] = 7.into()).unwrap();
    assert_eq!(read.weights[&Component::head(0, 0)], 7.0);
    edited(&|value| drop(value.as_object_mut().unwrap().shift_remove("origin_checksum"))).unwrap();
    edited(&Value::sort_all_objects).unwrap();
    for edit in [
        (|value: &mut Value| value["demos"][0]["label"] = "no".into()) as fn(&mut Value),
        |value| value["template"] = "other".into(),
        |value| value["label_words"].as_array_mut().unwrap().reverse(),
    ] {
        assert!(edited(&edit).unwrap_err().contains("`origin_checksum`"));
    }
}

#[test]
fn invalid_files_are_refused() {
    let (mut file, meta, _) = file();
    assert!(WeightsFile::parse("{}").unwrap_err().to_string().contains("not a weights file"));
    file.weights.remove(&Component::head(1, 3));
    assert!(file.mix(&meta.model, &meta.task).unwrap_err().to_string().contains("L1.H3 has no weight"));
    file.weights.insert(Component::head(7, 0), 1.0);
    assert!(file.mix(&meta.model, &meta.task).unwrap_err().to_string().contains("no component L7.H0"));
    for (instead, problem) in [
        (r#""L0.H0": 1, "L0.H0": 1"#, "L0.H0 has two weights"),
        (r#""L00.H0": 1"#, "`L00.H0` is not a component"),
        ("", "no weights"),
    ] {
        let mut text: serde_json::Value = serde_json::from_str(&file.to_text()).unwrap();
        text["weights"] = "HERE".into();
        let text = text.to_string().replace("\"HERE\"", &format!("{{{instead}}}"));
        let message = WeightsFile::parse(&text).unwrap_err().to_string();
        assert!(message.contains(problem), "{message}");
    }
    for number in [1e31, -1e300] {
        file.offsets = vec![0.0, number];
        let message = WeightsFile::parse(&file.to_text()).unwrap_err().to_string();
        assert!(message.contains("offset 1 is ") && message.contains("up to ±1e30"), "{message}");
    }
    file.offsets = vec![0.5];
    assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("1 offsets for 2 label words"));
    file.offsets = Vec::new();
    file.demo_ids = vec!["a".to_owned(), "b".to_owned()];
    file.demos = ["b", "a"].map(Demonstration::of_pool).to_vec();
    assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("`demos` and `demo_ids`"));
    file.demos.reverse();
    WeightsFile::parse(&file.to_text()).unwrap();
    file.schema = 9;
    assert!(WeightsFile::parse(&file.to_text()).unwrap_err().to_string().contains("version 9"));
}
