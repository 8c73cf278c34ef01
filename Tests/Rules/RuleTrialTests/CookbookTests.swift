import Config
import Rules
import TestKit
import Testing

/// Runs every recipe of docs/cookbook.md: its board with simulated devices, its rules and its script.
@Suite struct CookbookTests {
  private static let page = "docs/cookbook.md"
  private static let recipes: [Recipe] = {
    guard let bytes = try? Repository.read(page) else { return [] }
    return Recipe.all(in: String(decoding: bytes, as: UTF8.self))
  }()

  @Test func thereAreFiftyRecipes() {
    #expect(Self.recipes.count >= 50)
    let titles = Self.recipes.map(\.title)
    #expect(Set(titles).count == titles.count, "two recipes have the same title")
  }

  @Test(arguments: recipes) func doesWhatItSays(_ recipe: Recipe) throws {
    let place = "\(Self.page):\(recipe.line): \(recipe.title)"
    let missing = Recipe.kinds.filter { recipe.blocks[$0] == nil }
    try #require(missing.isEmpty, "\(place): it has no block \(missing.joined(separator: ", "))")
    let script = recipe.text("script")
    #expect(script.split(separator: "\n").contains { $0.hasPrefix("expect ") }, "\(place): the script expects nothing")
    let situation: Situation
    do {
      situation = try Situation(
        // A Monday.
        board: recipe.text("yaml board"), rules: recipe.text("yaml rules"), script: script,
        start: "2026-06-01T12:00:00Z")
    } catch {
      Issue.record("\(place): \(error)")
      return
    }
    for warning in situation.warnings { Issue.record("\(place): \(warning)") }
    for failure in situation.failures(of: script) {
      let line = (recipe.blocks["script"]?.line ?? 0) + failure.line
      Issue.record("\(Self.page):\(line): \(recipe.title): \(failure.message)")
    }
    #expect(situation.trial.problems.isEmpty, "\(place): \(situation.trial.problems)")
  }
}

/// Reads the rules in the page about them.
@Suite struct RulePageTests {
  @Test func everyExampleIsCorrect() throws {
    let page = String(decoding: try Repository.read("docs/orchestration-yaml.md"), as: UTF8.self)
    let blocks = Recipe.blocks(of: page).filter { $0.kind == "yaml" }
    #expect(blocks.count >= 6)
    for block in blocks {
      // Some show single rules.
      let text = block.text.hasPrefix("  - ") ? "rules:\n" + block.text : block.text
      do {
        let rules = try ConfigText.rules(Array(text.utf8), file: "rules.yaml", known: KnownNames()).0
        _ = try RuleSet(compiling: rules.rules, variables: rules.firstValues)
      } catch { Issue.record("docs/orchestration-yaml.md:\(block.line): \(error)") }
    }
  }
}

/// A part of the page under a heading of the third level.
struct Recipe: Sendable, CustomTestStringConvertible {
  /// The blocks that each recipe has, as on the lines that open them.
  static let kinds = ["yaml board", "yaml rules", "script"]

  let title: String
  /// The line of the title.
  let line: Int
  /// The blocks, with the lines that open them.
  var blocks: [String: (line: Int, text: String)] = [:]
  var testDescription: String { title }

  func text(_ kind: String) -> String { blocks[kind]?.text ?? "" }

  static func all(in page: String) -> [Recipe] {
    var recipes: [Recipe] = []
    let blocks = blocks(of: page)
    var next = 0
    for (number, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("### ") { recipes.append(Recipe(title: String(line.dropFirst(4)), line: number + 1)) }
      while next < blocks.count, blocks[next].line == number + 1 {
        if !recipes.isEmpty {
          recipes[recipes.count - 1].blocks[blocks[next].kind] = (blocks[next].line, blocks[next].text)
        }
        next += 1
      }
    }
    return recipes
  }

  /// The fenced blocks of a page, with the lines that open them.
  static func blocks(of page: String) -> [(kind: String, line: Int, text: String)] {
    var blocks: [(kind: String, line: Int, text: String)] = []
    var isOpen = false
    for (number, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("```") {
        if !isOpen { blocks.append((String(line.dropFirst(3)), number + 1, "")) }
        isOpen.toggle()
      } else if isOpen {
        blocks[blocks.count - 1].text += line + "\n"
      }
    }
    return blocks
  }
}
