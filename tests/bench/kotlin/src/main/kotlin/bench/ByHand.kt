package bench

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import okhttp3.Call
import okhttp3.Callback
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import okhttp3.Response
import java.io.IOException
import kotlin.coroutines.resumeWithException

@Serializable
private class Cart(
    val id: Long,
    val user_id: Long,
    val items: List<Line>,
    val total_price: Double,
)

@Serializable
private class Line(
    val id: Long,
    val sku_id: Long,
    val quantity: Long,
    val name: String,
    val price: Double,
    val image: String,
)

@Serializable
private class Wishlist(
    val id: Long,
    val user_id: Long,
    val items: List<Entry>,
)

@Serializable
private class Entry(
    val id: Long,
    val product: Product,
)

@Serializable
private class Product(
    val id: String,
    val name: String,
    val slug: String,
    val brand: String,
    val price: Double,
    val originalPrice: Double?,
    val discount: Double,
    val image: String,
    val images: List<String>,
    val category: String,
    val subcategory: String,
    val sizes: List<String>,
    val colors: List<String>,
    val rating: Double,
    val reviews: Long,
    val salesCount: Long,
    val inStock: Boolean,
    val description: String,
)

private suspend fun Call.await(): Response =
    suspendCancellableCoroutine { waiting ->
        waiting.invokeOnCancellation { cancel() }
        enqueue(
            object : Callback {
                override fun onResponse(
                    call: Call,
                    response: Response,
                ): Unit = waiting.resume(response) { _, late, _ -> late.close() }

                override fun onFailure(
                    call: Call,
                    e: IOException,
                ): Unit = waiting.resumeWithException(e)
            },
        )
    }

/** What an app writes without the SDK: OkHttp and kotlinx.serialization, two headers, and a look at the status. */
private class ByHand(private val given: Given) : Side {
    private val http = OkHttpClient()
    private val json = Json { ignoreUnknownKeys = true }
    private val tokenFile = given.folder.resolve("token")
    private var token = ""

    private suspend inline fun <reified T> get(path: String): T {
        val request =
            Request.Builder()
                .url(given.baseUrl + path)
                .header("Authorization", "Bearer $token")
                .header("X-Market", "us")
                .build()
        http.newCall(request).await().use { response ->
            check(response.code != 401) { "signed out" }
            check(response.isSuccessful) { "status ${response.code}" }
            // The body may not have come yet.
            return withContext(Dispatchers.IO) { json.decodeFromString(response.body.string()) }
        }
    }

    override suspend fun signIn() {
        val body =
            buildJsonObject {
                put("phone", PHONE)
                put("verification_code", CODE)
            }
        val request =
            Request.Builder()
                .url(given.baseUrl + "/auth/verify-code")
                .post(body.toString().toRequestBody("application/json".toMediaType()))
                .build()
        http.newCall(request).await().use { response ->
            val answer = json.parseToJsonElement(response.body.string())
            token = answer.jsonObject.getValue("access_token").jsonPrimitive.content
        }
        tokenFile.writeText(token)
    }

    override suspend fun open() {
        token = tokenFile.readText()
    }

    override suspend fun cart(): Pair<Int, Long> {
        val cart = get<Cart>("/cart")
        return Pair(cart.items.size, cart.items.sumOf { it.quantity })
    }

    override suspend fun wishlist(): Int = get<Wishlist>("/wishlist").items.size
}

fun main(arguments: Array<String>): Unit = run(arguments, ::ByHand)
