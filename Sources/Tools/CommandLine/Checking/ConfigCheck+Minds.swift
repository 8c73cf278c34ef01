import Document
import Linux
import Model

// Agents that think: the model that they ask, and the files that they need.
extension ConfigCheck {
  /// What is wrong with an agent's mind, for its manifest.
  /// - Parameters:
  ///   - document: the manifest's file.
  ///   - models: the models of the settings; nil where no settings are checked.
  static func complaints(about manifest: Manifest, _ document: Node?, models: [ModelSettings]?) -> [Diagnostic] {
    guard let mind = manifest.mind else { return [] }
    let whole = Location(file: manifest.file)
    var found: [Diagnostic] = []
    if let file = mind.guideFile {
      let path = Files.join(Files.folder(of: manifest.file), file)
      let place = document?["guide"]?.location ?? whole
      if !Files.isFile(path) {
        found.append(Diagnostic(place, "'guide' names a file, and there is no \(path.printable)"))
      } else if let size = Files.size(path), size > Mind.longestGuide {
        found.append(
          Diagnostic(
            place, "'guide' names \(path.printable), which has \(size) bytes, expected at most \(Mind.longestGuide)"))
      }
    }
    if !manifest.permissions.model {
      let place = document?["capabilities"]?["permissions"]?["model"]?.location ?? whole
      found.append(
        Diagnostic(place, "'model' is false, and so the agent cannot think: 'cognition' needs it", severity: .warning))
    }
    guard let models, mind.endpoint == nil else { return found }
    let place = document?["cognition"]?["model"]?.location ?? document?["cognition"]?.location ?? whole
    if models.isEmpty {
      found.append(
        Diagnostic(
          place, "the agent thinks with a language model, and 'models' in the settings lists none (docs/models.md)",
          severity: .warning))
    } else if !mind.model.isEmpty, !models.contains(where: { $0.name.isSame(as: mind.model) }) {
      let hint = Suggestion.phrase(for: mind.model, in: models.map(\.name))
      found.append(
        Diagnostic(
          place,
          "'model' is none of the settings' models, so the first that answers is asked: "
            + "\(models.map { "'\($0.name)'" }.joined(separator: ", "))\(hint)", severity: .warning))
    }
    return found
  }
}
