/// Results as JUnit XML, for build servers.
enum JUnit {
  static func document(_ results: [RingResult]) -> String {
    var cases = ""
    var (failures, skipped, seconds) = (0, 0, 0.0)
    for result in results {
      seconds += result.seconds
      cases += "    <testcase classname=\"kernel-ring\" name=\"\(escaped(result.name))\" time=\"\(result.seconds)\">"
      switch result.outcome {
      case .passed: break
      case .failed(let why):
        failures += 1
        cases += "<failure message=\"\(escaped(why))\"/>"
      case .unfinished:
        failures += 1
        cases += "<failure message=\"did not finish\"/>"
      case .skipped(let why):
        skipped += 1
        cases += "<skipped message=\"\(escaped(why))\"/>"
      }
      if !result.notes.isEmpty {
        cases += "<system-out>\(escaped(result.notes.joined(separator: "\n")))</system-out>"
      }
      cases += "</testcase>\n"
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites>
        <testsuite name="kernel-ring" tests="\(results.count)" failures="\(failures)" skipped="\(skipped)" \
      time="\(seconds)">
      \(cases)  </testsuite>
      </testsuites>

      """
  }

  /// Escapes text for attributes and content; control characters, which XML forbids, become question marks.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case _ where scalar.value < 0x20: result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
