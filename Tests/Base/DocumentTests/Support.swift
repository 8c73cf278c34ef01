import Document
import Model

/// The result of reading a text: its value, or its diagnostics, one per line.
enum Outcome: Equatable {
  case value(Value)
  case problems(String)
}

func yaml(_ text: String, limits: DocumentLimits = .defaultValue) -> Outcome { yaml(Array(text.utf8), limits: limits) }

func yaml(_ bytes: [UInt8], limits: DocumentLimits = .defaultValue) -> Outcome {
  do { return .value(try YAML.parse(bytes, file: "f", limits: limits).value) } catch { return .problems("\(error)") }
}

func json(_ text: String, limits: DocumentLimits = .defaultValue) -> Outcome { json(Array(text.utf8), limits: limits) }

func json(_ bytes: [UInt8], limits: DocumentLimits = .defaultValue) -> Outcome {
  do { return .value(try JSON.parse(bytes, file: "f", limits: limits).value) } catch { return .problems("\(error)") }
}

extension Node {
  /// Every value and key as `line:column value`, in the order of the text.
  var places: [String] {
    let here = "\(location.line):\(location.column)"
    switch content {
    case .list(let nodes): return ["\(here) list"] + nodes.flatMap(\.places)
    case .map(let entries):
      return ["\(here) map"]
        + entries.flatMap { ["\($0.keyLocation.line):\($0.keyLocation.column) \($0.key):"] + $0.value.places }
    default: return ["\(here) \(JSON.text(value))"]
    }
  }
}
