import Foundation
import MarketSDK

final class FakeSession: SessionAPI {
    private let core: FakeCore

    init(_ core: FakeCore) {
        self.core = core
    }

    var state: SessionState { core.state.read(\.state) }

    func observe(listener: any SessionListener) throws -> any Subscription {
        FakeSubscription(core) { $0.observe(Delivery(listener.changed)) }
    }

    func onEnd(listener: any SessionEndListener) throws -> any Subscription {
        FakeSubscription(core) { $0.onEnd(Delivery(listener.ended)) }
    }

    func onExpiringSoon(listener: any ExpiringSoonListener) throws -> any Subscription {
        FakeSubscription(core) { $0.onExpiringSoon(Delivery(listener.expiresSoon)) }
    }

    func resumed() {
        core.state.use { _ = $0.begin(.resumed, stands: false) }
    }

    func restore(on _: isolated (any Actor)?) async throws -> SessionState {
        let made = core.state.use { $0.begin(.restore, stands: false) }
        if let plan = try await core.plan(of: made) { throw plan.error }
        return try await known()
    }

    private func known() async throws -> SessionState {
        try await core.state.when { try $0.isRead() ? $0.state : nil }
    }

    func requireValidity(duration: Duration, on _: isolated (any Actor)?) async throws {
        let made = core.state.use { $0.begin(.requireValidity(duration: duration), stands: false) }
        if let plan = try await core.plan(of: made) { throw plan.error }
        switch try await known() {
        case .signedIn:
            let left = core.state.read(\.left)
            guard left >= duration else {
                throw MarketError.of(.sessionExpired, detail: "the session lasts \(left.components.seconds) s more")
            }
        case .expired: throw MarketError.of(.sessionExpired)
        default: throw MarketError.of(.notSignedIn)
        }
    }

    func requestCode(phone: String, on _: isolated (any Actor)?) async throws -> CodeSent {
        let made = core.state.use { $0.begin(.requestCode(phone: phone), stands: false) }
        let (number, market) = try phoneAndMarket(phone)
        return try await core.openCall(made) { shop in
            let retryAt = try shop.sendCode(to: number, in: market)
            return CodeSent(expiresAt: nil, retryAt: retryAt)
        }
    }

    func verifyCode(phone: String, code: String, on _: isolated (any Actor)?) async throws -> SignIn {
        let made = core.state.use { $0.begin(.verifyCode(phone: phone, code: code), stands: false) }
        let (number, market) = try phoneAndMarket(phone)
        let digits = code.trimmingCharacters(in: .whitespaces)
        guard (4 ... 8).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48 ... 57).contains($0) }) else {
            throw MarketError.invalid("code", "Enter the 4 to 8 digits of the code.")
        }
        let flight = FakeCall.verifyCode(phone: number, code: digits)
        let task = core.state.use { state in
            let task = state.flights[flight] ?? Task { [core] in
                defer { core.state.use { $0.flights[flight] = nil } }
                return try await Self.signIn(core, made, number, digits, market)
            }
            state.flights[flight] = task
            return task
        }
        return try await task.valueUnlessCancelled(cancels: false)
    }

    private static func signIn(
        _ core: FakeCore, _ made: MadeCall, _ phone: String, _ code: String, _ market: Market
    ) async throws -> SignIn {
        // The store is asked before the code is spent.
        try await core.state.when { try $0.isRead() ? () : nil }
        let (token, user, expiresAt) = try await core.openCall(made, overtakenByLogout: true) { try $0.verify(code, of: phone, in: market) }
        try core.state.use { state in
            // A logout came between.
            guard state.lineage == made.lineage else { throw MarketError.of(.signedOut) }
            state.signIn(user, token, expiresAt: expiresAt)
        }
        return SignIn(user: user, isNewUser: nil, expiresAt: expiresAt, persisted: true)
    }

    func logout(on _: isolated (any Actor)?) async throws {
        try await signOut(.logout, .loggedOut, .loggedOut)
    }

    func clear(on _: isolated (any Actor)?) async throws {
        try await signOut(.clearSession, .cleared, .cleared)
    }

    /// Forgets at once, and tells the shop of a logout as well as it can.
    private func signOut(_ call: FakeCall, _ reason: SignedOutReason, _ end: EndReason) async throws {
        let (made, token) = core.state.use { state in
            let made = state.begin(call, stands: false)
            return (made, state.signOut(reason, end))
        }
        let plan = try await core.plan(of: made)
        if let token, call == .logout, plan == nil || plan?.isActed == true || plan?.error.code == .storeNotCleared {
            try? core.shop.serve(token) { $0.logOut($1) }
        }
        // What else may happen to it is the shop's, and no reason to fail.
        if let plan, plan.error.code == .storeNotCleared { throw plan.error }
    }

    func profile(on _: isolated (any Actor)?) async throws -> Profile {
        let made = core.state.use { $0.begin(.profile) }
        return try await core.call(made) { shop, caller in try shop.profile(of: caller) }
    }

    func updateProfile(_ update: ProfileUpdate, on _: isolated (any Actor)?) async throws -> Profile {
        let made = core.state.use { $0.begin(.updateProfile(update)) }
        try core.check(made) {
            if let name = update.fullName {
                guard !name.allSatisfy(\.isWhitespace), name.unicodeScalars.count <= 255 else {
                    throw MarketError.invalid("full_name", "Enter 1 to 255 characters.")
                }
            } else if update.profileImageURL == nil {
                throw MarketError.invalid("full_name", "There is nothing to change.")
            }
        }
        return try await core.call(made) { shop, caller in
            if let name = update.fullName { shop[caller.market].accounts[caller.user]?.fullName = name }
            if let image = update.profileImageURL { shop[caller.market].accounts[caller.user]?.image = image }
            return try shop.profile(of: caller)
        }
    }

    func verifyToken(on _: isolated (any Actor)?) async throws -> TokenStatus {
        let made = core.state.use { $0.begin(.verifyToken, parks: false) }
        return try await core.call(made) { TokenStatus(valid: true, userID: $1.user, market: $1.market) }
    }

    func markets(on _: isolated (any Actor)?) async throws -> Markets {
        let made = core.state.use { $0.begin(.markets, stands: false) }
        return try await core.openCall(made) { _ in
            let kg = MarketInfo(
                market: .kg, country: "Kyrgyzstan", currencySign: "сом", currency: "KGS", language: "ru", phonePrefix: "+996",
                phoneFormat: "+996 XXX XXX XXX")
            let us = MarketInfo(
                market: .us, country: "United States", currencySign: "$", currency: "USD", language: "en", phonePrefix: "+1",
                phoneFormat: "+1 (XXX) XXX-XXXX")
            return Markets(supported: [kg, us], defaultMarket: .kg)
        }
    }

    private func phoneAndMarket(_ phone: String) throws -> (String, Market) {
        let (number, market) = try parsed(phone: phone)
        guard let market, core.market == nil || core.market == market else {
            throw MarketError.invalid("phone", "This shop does not serve that country's phone numbers.")
        }
        return (number, market)
    }
}

/// A number as people write it, and its market, if it is one of the shop's.
func parsed(phone: String) throws -> (String, Market?) {
    let refused = MarketError.invalid("phone", "Enter the phone number with its country code, like +996 or +1.")
    let text = phone.trimmingCharacters(in: .whitespacesAndNewlines)
    let signs: Set<Character> = [" ", "\u{a0}", "-", ".", "(", ")"]
    let digits = text.dropFirst().filter { !signs.contains($0) }
    guard text.hasPrefix("+"), digits.utf8.allSatisfy({ (48 ... 57).contains($0) }), (8 ... 15).contains(digits.count), !digits.hasPrefix("0")
    else { throw refused }
    let (market, length): (Market?, Int) = if digits.hasPrefix("996") { (.kg, 12) } else if digits.hasPrefix("1") { (.us, 11) } else { (nil, digits.count) }
    guard digits.count == length else { throw MarketError.invalid("phone", "The phone number has too few or too many digits.") }
    return ("+" + digits, market)
}

extension ShopState {
    func profile(of caller: Caller) throws -> Profile {
        guard let account = self[caller.market].accounts[caller.user] else { throw Unauthorized() }
        let kg = caller.market == .kg
        return Profile(
            id: account.id, phone: PhoneNumber(account.phone), fullName: account.fullName, profileImageURL: account.image,
            isActive: account.isActive, isVerified: true, market: caller.market, language: kg ? "ru" : "en",
            country: kg ? "Kyrgyzstan" : "United States", currency: kg ? "KGS" : "USD", lastLogin: account.lastLogin,
            createdAt: account.createdAt)
    }
}
