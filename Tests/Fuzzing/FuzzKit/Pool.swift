import TestKit

/// The inputs for mutation: the corpus, and inputs that had new marks.
package final class Pool {
  private(set) var inputs: [[UInt8]]
  private var marks: Set<UInt64> = []
  /// The maximum number of inputs; beyond it a new input replaces another one.
  private static let most = 4096

  /// - Parameter inputs: the corpus.
  package init(_ inputs: [[UInt8]]) { self.inputs = inputs }

  /// The number of different marks of all inputs.
  package var reach: Int { marks.count }

  /// The number of inputs.
  package var count: Int { inputs.count }

  /// A random input; empty when there is none.
  func any(_ random: inout SeededGenerator) -> [UInt8] {
    // Prefer recent inputs: mutating them finds new marks more often.
    let isNew = Bool.random(using: &random) && inputs.count > 32
    return (isNew ? inputs.suffix(inputs.count / 8) : inputs[...]).randomElement(using: &random) ?? []
  }

  /// Adds an input's marks, and the input itself when it has a new mark.
  /// - Returns: whether the input has a new mark.
  package func add(_ input: [UInt8], _ seen: Seen, _ random: inout SeededGenerator) -> Bool {
    let before = marks.count
    marks.formUnion(seen.marks)
    guard marks.count > before else { return false }
    if inputs.count < Self.most {
      inputs.append(input)
    } else {
      inputs[Int.random(in: 0..<inputs.count, using: &random)] = input
    }
    return true
  }

  /// Adds the marks of an input of the corpus, which is already in the pool.
  package func know(_ seen: Seen) { marks.formUnion(seen.marks) }
}
