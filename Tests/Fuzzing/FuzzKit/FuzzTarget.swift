import TestKit

/// A trust boundary of the daemon: generates inputs for it, and checks what must hold for any input.
package protocol FuzzTarget: AnyObject {
  /// The name in `make fuzz TARGET=name`, and of the folder of its corpus.
  var name: String { get }
  /// The file format of its inputs.
  var form: InputForm { get }
  /// The maximum length of a generated input, in bytes.
  var longest: Int { get }
  /// Tokens of the format.
  var words: [String] { get }
  /// The part that cannot be tested on this machine; nil when there is none.
  var limitation: String? { get }
  /// Initial inputs besides the corpus, generated or from elsewhere in the repository.
  func seeds() throws -> [[UInt8]]
  /// Generates an input by the rules of the format, from scratch or from the pool; nil leaves it to `ByteMutator`.
  func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]?
  /// Runs one input.
  /// - Parameter seen: collects the marks of the input. Inputs with new marks are added to the pool.
  /// - Throws: `Violation` when a condition does not hold. A trap or an exceeded limit ends the process instead, which
  ///   `Runner` handles.
  func run(_ input: [UInt8], _ seen: inout Seen) throws
}

extension FuzzTarget {
  package var form: InputForm { .text }
  package var longest: Int { 4096 }
  package var limitation: String? { nil }
  package func seeds() throws -> [[UInt8]] { [] }
  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? { nil }
}

/// A condition that does not hold.
package struct Violation: Error, CustomStringConvertible {
  /// One sentence.
  package var description: String
  /// - Parameter description: one sentence.
  package init(_ description: String) { self.description = description }
}

/// Throws a violation unless `holds`.
func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
  if !holds { throw Violation(otherwise()) }
}

/// The marks of one input: hashes of messages without quoted text and numbers and, in an instrumented build, edges of
/// the code.
package struct Seen: Hashable {
  /// The marks, without duplicates.
  package private(set) var marks: Set<UInt64> = []

  /// No marks.
  package init() {}

  /// The mark of one message.
  package init(_ text: String) { note(text) }

  /// Adds the mark of a message, ignoring quoted text and numbers in it.
  package mutating func note(_ text: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var isQuoted = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "'") { isQuoted.toggle() }
      if isQuoted || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { continue }
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    marks.insert(hash)
  }

  /// Adds the mark of an edge and of the magnitude of its count.
  mutating func note(edge: Int, count: UInt8) {
    marks.insert(1 << 63 | UInt64(edge) << 8 | UInt64(UInt8.bitWidth - count.leadingZeroBitCount))
  }
}

/// All targets, in the order in which they run.
package enum FuzzTargets {
  /// - Parameters:
  ///   - folder: for the targets' files.
  ///   - program: a program that compiles modules and acts as an agent on request; by default this one.
  ///   - guardian: the path of openstarry-guardian; nil limits that target to packets.
  package static func all(in folder: String, program: String = "/proc/self/exe", guardian: String?) -> [any FuzzTarget]
  {
    [
      ConfigTarget.board(), ConfigTarget.agent(), ConfigTarget.rules(), ConfigTarget.settings(), CELTarget(),
      CBORTarget(), ControlTarget(folder: folder), MCPTarget(folder: folder),
      GuardianTarget(folder: folder, program: guardian),
      LauncherTarget(), ProxyTarget(), ModelTarget(), LinkTarget(folder: folder), ProcessTarget(program: program),
      ModuleTarget(folder: folder, program: program), PluginTarget(folder: folder),
    ]
  }
}
