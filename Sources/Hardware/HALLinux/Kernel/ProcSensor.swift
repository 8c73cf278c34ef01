import HAL
import Model

/// A quantity of the machine itself, from `/proc` (proc(5), Documentation/accounting/psi.rst). A read takes
/// microseconds, so it happens on the loop.
///
/// `load1`, `load5`, `load15`: no unit. `memory_free`: MemAvailable, MiB. `cpu_pressure`, `memory_pressure`,
/// `io_pressure`: the share of the last 10 s in which some task waited, %. `uptime`: s.
package final class ProcSensor: SensorDriver {
  package let unit: String
  private let tree: KernelTree
  private let quantity: String

  /// - Parameters:
  ///   - quantity: one of the names above.
  ///   - root: the prefix of `/proc`; empty on a real machine.
  /// - Returns: nil when there is no such quantity.
  package init?(quantity: String, root: String = "") {
    switch quantity {
    case "load1", "load5", "load15": unit = ""
    case "memory_free": unit = "MiB"
    case "cpu_pressure", "memory_pressure", "io_pressure": unit = "%"
    case "uptime": unit = "s"
    default: return nil
    }
    self.quantity = quantity
    tree = KernelTree(root: root)
  }

  package func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    done(Result { () throws(HALError.Fault) in Measurement(try read()) })
  }

  private func read() throws(HALError.Fault) -> Double {
    switch quantity {
    case "load1": try field(0, of: "/proc/loadavg")
    case "load5": try field(1, of: "/proc/loadavg")
    case "load15": try field(2, of: "/proc/loadavg")
    case "uptime": try field(0, of: "/proc/uptime")
    case "memory_free": try number(after: "MemAvailable:", in: "/proc/meminfo") / 1024
    default: try number(after: "some avg10=", in: "/proc/pressure/\(quantity.prefix { $0 != "_" })")
    }
  }

  private func field(_ index: Int, of path: String) throws(HALError.Fault) -> Double {
    let fields = try tree.text(path).split(separator: " ")
    guard index < fields.count, let number = Double(fields[index]) else {
      throw .protocolViolation("\(path) has no number in field \(index + 1)")
    }
    return number
  }

  private func number(after key: String, in path: String) throws(HALError.Fault) -> Double {
    for line in try tree.text(path).split(separator: "\n") where line.hasPrefix(key) {
      let rest = line.dropFirst(key.count).drop { $0 == " " }
      if let number = Double(rest.prefix { $0 != " " }) { return number }
    }
    throw .protocolViolation("\(path) has no line with '\(key)' and a number")
  }
}
