import Model
import Rules
import Testing

@Suite struct RuleSetTests {
  private func problems(_ rules: RuleDeclaration...) -> [String] {
    do throws(Diagnostics) {
      _ = try RuleSet(compiling: rules)
      return []
    } catch { return error.all.map(\.description) }
  }

  @Test func errorsHaveAPositionInTheExpression() {
    let found = problems(hot { $0.condition = condition("value > 30.0 && vlaue.contians('x')") })
    #expect(
      found == [
        "rules.yaml:4:32: unknown function 'contians' (did you mean 'contains'?) "
          + "(in value > 30.0 && vlaue.contians('x'))"
      ])
    let accented = problems(hot { $0.condition = condition("'é' + 1 == 2") })
    #expect(accented[0].hasPrefix("rules.yaml:4:14: '+' cannot be applied to"))
    let lines = problems(hot { $0.condition = condition("value > 1 &&\n  1 > 'x'") })
    #expect(lines[0].hasPrefix("rules.yaml:4:10:"))
    #expect(lines[0].hasSuffix("(line 2, column 5 of the expression)"))
  }

  @Test func conditionsThatCannotBeBooleanAreRefused() {
    #expect(problems(hot { $0.condition = condition("1 + 1") })[0].contains("has type int, but must be bool"))
    #expect(problems(hot { $0.condition = condition("'yes'") }).count == 1)
    #expect(problems(hot { $0.condition = condition("value") }).isEmpty)
    #expect(problems(hot { $0.condition = condition("sensor('a') > 1.0 && state('b').mode == 'x'") }).isEmpty)
    #expect(problems(hot { $0.condition = condition("sensor(1)") }).count == 1)
  }

  @Test func allErrorsAreReportedAtOnce() {
    let found = problems(
      hot { $0.condition = condition("1 +") },
      hot {
        $0.id = "b"; $0.condition = condition("(")
      },
      hot {
        $0.id = "c"; $0.actions = []
      }, hot { $0.location.line = 90 },
      hot {
        $0.id = "d"; $0.trigger = .cron("61 * * * *")
      },
      hot {
        $0.id = "e"; $0.maxPerHour = 0; $0.cooldown = .zero
      },
      hot {
        $0.id = "f"; $0.trigger = .every(.milliseconds(1))
      },
      hot {
        $0.id = "g"; $0.trigger = .events([])
      })
    #expect(found.count == 9, "\(found)")
    #expect(found.contains { $0.contains("rules.yaml:90:5: the rule id 'hot' is taken (rules.yaml:3:5)") })
    #expect(found.contains { $0.contains("'61' is not a valid minute") })
  }

  @Test func emitExpressionsAreChecked() {
    let field = EmitField(
      name: "level", expression: "valeu + ", location: Location(file: "rules.yaml", line: 7, column: 20))
    #expect(problems(hot { $0.actions = [.emit("a:b", [field])] })[0].hasPrefix("rules.yaml:7:28:"))
    let bare = EmitField(name: "level", expression: "1 +")
    #expect(problems(hot { $0.actions = [.emit("a:b", [bare])] })[0].hasPrefix("rules.yaml:3:"))
  }

  @Test func wildcards() throws {
    func patterns(_ id: RuleID, _ texts: String...) -> RuleDeclaration {
      RuleDeclaration(id: id, trigger: .events(texts.map { EventPattern($0) }), actions: [.wake("a")])
    }
    let bench = try RuleBench(
      patterns("all", "*"), patterns("sensors", "sensor:*"), patterns("exact", "sensor:door", "sensor:door"),
      patterns("commits", "git:commit_*"), patterns("ends", "*:door"), patterns("both", "sensor:*", "*:door"))
    func fired(_ type: String) -> [String] {
      let before = bench.firings.count
      bench.emit(type)
      return bench.firings[before...].map(\.rule.rawValue)
    }
    #expect(fired("sensor:door") == ["all", "sensors", "exact", "ends", "both"])
    #expect(fired("sensor:light") == ["all", "sensors", "both"])
    #expect(fired("git:commit_pushed") == ["all", "commits"])
    #expect(fired("git:commi") == ["all"])
    #expect(fired("input:door") == ["all", "ends", "both"])
    #expect(fired("sensor:door") == ["all", "sensors", "exact", "ends", "both"])
  }

  /// The index finds the same rules as a comparison with every pattern.
  @Test func indexAgreesWithComparing() throws {
    var seed: UInt64 = 7
    func next(_ bound: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % bound
    }
    func text(_ letters: [Character], _ length: Int) -> String {
      String((0..<length).map { _ in letters[next(letters.count)] })
    }
    let rules = (0..<200).map { number in
      RuleDeclaration(
        id: RuleID("r\(number)"),
        trigger: .events((0...next(2)).map { _ in EventPattern(text(["a", "b", ":", "*"], 1 + next(5))) }),
        actions: [.wake("a")])
    }
    let bench = try RuleBench()
    bench.rules.replace(with: try RuleSet(compiling: rules))
    for _ in 0..<1000 {
      let type = text(["a", "b", ":"], 1 + next(6))
      let wanted = rules.filter { rule in
        guard case .events(let patterns) = rule.trigger else { return false }
        return patterns.contains { $0.matches(type) }
      }.map(\.id)
      #expect(bench.rules.test(bench.event(type)).map(\.rule) == wanted, "\(type)")
    }
  }

  @Test func eventsDoNotEvaluateTenThousandUnrelatedRules() throws {
    let rules = (0..<10_000).map { number in
      RuleDeclaration(
        id: RuleID("rule-\(number)"),
        trigger: .events([EventPattern(number % 10 == 0 ? "domain\(number):*" : "sensor:s\(number)")]),
        condition: condition("value > \(number).0"), actions: [.wake("a")])
    }
    let bench = try RuleBench()
    bench.rules.replace(with: try RuleSet(compiling: rules))
    #expect(bench.rules.count == 10_000)
    for _ in 0..<10 { bench.emit("sensor:s17", ["value": 18.0]) }
    #expect(bench.rules.evaluations == 10)
    #expect(bench.firings.count == 10)
    bench.emit("sensor:nothing", ["value": 1.0])
    #expect(bench.rules.evaluations == 10)
    bench.emit("domain20:x", ["value": 21.0])
    #expect(bench.rules.evaluations == 11)
    #expect(bench.firings.last?.rule == "rule-20")
  }
}
