package shop

import com.google.gson.JsonObject
import com.google.gson.JsonParser
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.util.prefs.Preferences

class ShopByHand(
    private val api: String,
    private val prefs: Preferences,
    private val showLogin: () -> Unit,
) {
    private val http = HttpClient.newHttpClient()
    private var token: String? = prefs.get("token", null)

    private suspend fun call(method: String, path: String, body: String = ""): JsonObject =
        withContext(Dispatchers.IO) {
            val request = HttpRequest.newBuilder(URI(api + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", "application/json")
                .header("X-Market", "us")
            token?.let { request.header("Authorization", "Bearer $it") }
            val response = http.send(request.build(), HttpResponse.BodyHandlers.ofString())
            val answer = JsonParser.parseString(response.body()).asJsonObject
            if (response.statusCode() == 401) {
                token = null
                prefs.remove("token")
                showLogin()
            }
            if (response.statusCode() >= 400) throw Exception("${answer["message"] ?: answer["detail"]}")
            answer
        }

    suspend fun signIn(phone: String, code: String) {
        val answer = call("POST", "/auth/verify-code", """{"phone": "$phone", "verification_code": "$code"}""")
        token = answer["access_token"].asString
        prefs.put("token", token)
    }

    suspend fun add(sku: Long, quantity: Int): Double =
        call("POST", "/cart/items", """{"sku_id": $sku, "quantity": $quantity}""")["total_price"].asDouble

    suspend fun logOut() {
        call("POST", "/auth/logout")
        token = null
        prefs.remove("token")
    }
}
